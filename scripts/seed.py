"""Demo data for a running Duet, written through its API: `make seed`.

Seeding again adds only what is missing. The report goes to stdout, the progress to stderr.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PASSWORD: Final = "a long and secret phrase"
DRAFT_EVERY: Final = 10
_MAX_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Person:
    first_name: str
    last_name: str
    bio: str
    topic: str

    @property
    def email(self) -> str:
        return f"{self.first_name.lower()}@example.com"


# Five registrations and five logins stay below the default limits of 20 per minute.
PEOPLE: Final = (
    Person("Ada", "Lovelace", "Analyst of engines.", "Notes on the engine"),
    Person("Grace", "Hopper", "Writes compilers.", "Notes on compilers"),
    Person("Alan", "Turing", "Asks whether machines think.", "Notes on computable numbers"),
    Person("Katherine", "Johnson", "Computes trajectories.", "Notes on orbits"),
    Person("Edsger", "Dijkstra", "Finds shortest paths.", "Notes on structured programs"),
)


class SeedFailure(Exception):
    """Raised when the demo data cannot be written. The message says why, and what to do."""


class Api:
    """Duet's API. A request over a rate limit is sent again when the limit allows it."""

    def __init__(self, client: httpx.Client, console: Console) -> None:
        self._client = client
        self._console = console

    def call(
        self, method: str, path: str, *, also: tuple[int, ...] = (), **options: Any
    ) -> httpx.Response:
        """Return a response that is successful or has a status of `also`. Raises `SeedFailure`."""
        while True:
            try:
                answer = self._client.request(method, f"/api/v1{path}", **options)
            except httpx.TransportError as error:
                raise SeedFailure(
                    f"nothing answers at {self._client.base_url} ({error}). Start Duet with "
                    "`make run`, and set PORT if it uses another port."
                ) from None
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            seconds = int(answer.headers["Retry-After"])
            self._console.print(f"rate limit reached, waiting {seconds} s")
            time.sleep(seconds)
        if not answer.is_success and answer.status_code not in also:
            raise SeedFailure(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer

    def sign_in(self, person: Person) -> bool:
        """Log in as a person for the following calls. Return whether the user is new."""
        self._client.headers.pop("Authorization", None)
        registered = self.call(
            *("POST", "/auth/register"),
            also=(httpx.codes.CONFLICT,),
            json={
                "email": person.email,
                "password": PASSWORD,
                "first_name": person.first_name,
                "last_name": person.last_name,
            },
        )
        tokens = self.call(
            *("POST", "/auth/login"),
            also=(httpx.codes.UNAUTHORIZED,),
            data={"username": person.email, "password": PASSWORD},
        )
        if not tokens.is_success:
            raise SeedFailure(f"{person.email} is registered already, with another password.")
        self._client.headers["Authorization"] = f"Bearer {tokens.json()['access_token']}"
        return registered.is_success

    def titles(self) -> Iterator[str]:
        """Yield the titles of the posts and drafts of the person who is logged in."""
        for status in ("published", "draft"):
            parameters = {"author": "me", "status": status, "limit": str(_MAX_PAGE)}
            while True:
                page = self.call("GET", "/posts", params=parameters).json()
                yield from (post["title"] for post in page["items"])
                if page["next_cursor"] is None:
                    break
                parameters["cursor"] = page["next_cursor"]

    def write(self, title: str, topic: str, *, publish: bool) -> None:
        content = f"{topic}: what was tried, what was measured, and what to try next."
        post = self.call("POST", "/posts", json={"title": title, "content": content}).json()
        if publish:
            self.call("POST", f"/posts/{post['id']}/publish")


def seed(api: Api, progress: Progress, posts: int) -> dict[str, int]:
    """Write the demo data, and return the numbers of new users and posts."""
    new = {"users": 0, "posts": 0}
    task = progress.add_task("", total=len(PEOPLE) * posts)
    for person in PEOPLE:
        progress.update(task, description=person.email)
        new["users"] += api.sign_in(person)
        name = f"{person.first_name} {person.last_name}"
        api.call("PUT", "/profiles/me", json={"display_name": name, "bio": person.bio})
        present = set(api.titles())
        for number in range(1, posts + 1):
            title = f"{person.topic}, part {number}"
            if title not in present:
                api.write(title, person.topic, publish=number % DRAFT_EVERY != 0)
                new["posts"] += 1
            progress.advance(task)
        if progress.disable:
            progress.console.print(f"{person.email}: {posts} posts")
    return new


def main(
    posts: Annotated[int, typer.Option(min=0, help="Posts per user.")] = 40,
    port: Annotated[int, typer.Option(envvar="PORT", help="Port of `make run`.")] = 8000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a machine.")] = False,
) -> None:
    """Write demo users, profiles and posts through the API of a running Duet."""
    origin = f"http://127.0.0.1:{port}"
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TimeRemainingColumn(), console=console)
    progress.disable = not console.is_terminal
    try:
        # Without `trust_env`, a proxy of the environment would be asked for a loopback address.
        with httpx.Client(base_url=origin, timeout=30, trust_env=False) as client, progress:
            new = seed(Api(client, console), progress, posts)
    except SeedFailure as failure:
        print(f"seed: {failure}", file=sys.stderr)
        raise typer.Exit(1) from None
    login = {"email": PEOPLE[0].email, "password": PASSWORD}
    if as_json:
        users = [person.email for person in PEOPLE]
        print(json.dumps({"origin": origin, "users": users, "new": new, "login": login}))
        return
    print(
        f"{origin} has {len(PEOPLE)} demo users with {posts} posts each "
        f"({new['users']} users and {new['posts']} posts are new).\n"
        f"Log in as {login['email']} with the password: {login['password']}"
    )


if __name__ == "__main__":
    typer.run(main)
