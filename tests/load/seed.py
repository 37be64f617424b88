"""The data in the databases during the benchmark."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import asyncpg
import httpx
from sqlalchemy.engine import make_url

from duet_common.clock import utc_now
from duet_common.ids import new_id
from duet_standalone.databases import AUTH, CONTENT, DatabaseUrls
from tests.load.failures import BenchFailure

USERS: Final = 1_000
POSTS: Final = 10_000
_EMAIL: Final = "ada@example.com"
_PASSWORD: Final = "a long and secret phrase"
_CONTENT: Final = (
    "The engine weaves algebraic patterns, just as the loom weaves flowers and leaves. It has no "
    'pretension to "originate" anything; it can do whatever we know how to order it to perform: '
    "it follows analysis, and it never anticipates relations."
)


@dataclass(frozen=True)
class Caller:
    """The user that sends the requests."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    access_token: str


def database_urls(data: Path) -> DatabaseUrls:
    """Return the database URLs from the file that the standalone server writes for `duet-auth`."""
    for line in (data / "auth.env").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name == "AUTH_DATABASE_URL":
            content = make_url(value).set(username=CONTENT, database=CONTENT)
            return DatabaseUrls(auth=value, content=content.render_as_string())
    raise BenchFailure(f"{data / 'auth.env'} contains no URL of the database {AUTH}")


async def seed(urls: DatabaseUrls) -> None:
    """Insert users with profiles and published posts."""
    ids = [new_id() for _ in range(USERS)]
    now = utc_now()
    async with _connected(urls.auth) as auth:
        await auth.copy_records_to_table(
            "users",
            columns=["id", "email", "hashed_password", "first_name", "last_name"],
            records=[
                (id_, f"person-{n}@example.com", "!", f"First {n}", f"Last {n}")
                for n, id_ in enumerate(ids)
            ],
        )
    async with _connected(urls.content) as content:
        await content.copy_records_to_table(
            "profiles",
            columns=["user_id", "display_name", "bio", "avatar_url"],
            records=[
                (id_, f"First {n} Last {n}", "A bio.", f"https://example.com/{n}.png")
                for n, id_ in enumerate(ids)
            ],
        )
        await content.copy_records_to_table(
            "posts",
            columns=["id", "author_id", "title", "content", "published_at"],
            records=[
                (
                    new_id(),
                    ids[n % USERS],
                    f"Notes on the engine, {n}",
                    _CONTENT,
                    now - timedelta(seconds=POSTS - n),
                )
                for n in range(POSTS)
            ],
        )


async def vacuum(urls: DatabaseUrls) -> None:
    """Run VACUUM ANALYZE, so that statistics and visibility maps are up to date."""
    for url, tables in (
        (urls.auth, ("users", "sessions")),
        (urls.content, ("profiles", "posts")),
    ):
        async with _connected(url) as connection:
            for table in tables:
                await connection.execute(f"VACUUM (ANALYZE) {table}")


async def register_user(origin: str, urls: DatabaseUrls) -> Caller:
    """Register a user and log in over HTTP."""
    async with httpx.AsyncClient(base_url=f"{origin}/api/v1/auth", timeout=30) as client:
        user = _checked(
            await client.post(
                "/register",
                json={
                    "email": _EMAIL,
                    "password": _PASSWORD,
                    "first_name": "Ada",
                    "last_name": "Lovelace",
                },
            )
        )
        form = {"username": _EMAIL, "password": _PASSWORD}
        tokens = _checked(await client.post("/login", data=form))
    user_id = uuid.UUID(user["id"])
    async with _connected(urls.auth) as auth:
        session_id: uuid.UUID = await auth.fetchval(
            "SELECT id FROM sessions WHERE user_id = $1", user_id
        )
    return Caller(user_id, session_id, tokens["access_token"])


def _checked(response: httpx.Response) -> dict[str, str]:
    """Return the JSON body of a response. Raises `BenchFailure` unless it is successful."""
    if not response.is_success:
        raise BenchFailure(f"{response.url} returned {response.status_code}: {response.text}")
    body: dict[str, str] = response.json()
    return body


@asynccontextmanager
async def _connected(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
