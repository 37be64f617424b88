"""`make seed` writes demo data through the API."""

import json
import sys
from pathlib import Path

import httpx

from scripts.seed import PEOPLE
from tests.support.programs import ExitedProgram, free_port, run_program
from tests.support.users import log_in

ROOT = Path(__file__).parents[2]


async def seed(port: int | None, *options: str) -> ExitedProgram:
    command = (sys.executable, "-m", "scripts.seed", *options)
    return await run_program(command, {"PORT": str(port)}, ROOT)


async def test_it_adds_what_is_missing(client: httpx.AsyncClient) -> None:
    port = client.base_url.port
    first = await seed(port, "--json", "--posts=10")
    assert first.status == 0, first.errors
    report = json.loads(first.output)
    assert report["new"] == {"users": len(PEOPLE), "posts": 10 * len(PEOPLE)}
    assert first.errors.splitlines() == [f"{person.email}: 10 posts" for person in PEOPLE]

    page = (await client.get("/api/v1/posts", params={"limit": 100})).json()
    assert len(page["items"]) == 9 * len(PEOPLE), "each tenth post is a draft"
    names = {f"{person.first_name} {person.last_name}" for person in PEOPLE}
    assert {post["author"]["name"] for post in page["items"]} == names
    login = await log_in(client, report["login"]["email"], report["login"]["password"])
    assert login.status_code == 200

    second = await seed(port, "--posts=11")
    assert second.status == 0, second.errors
    assert f"0 users and {len(PEOPLE)} posts are new" in second.output
    assert report["login"]["password"] in second.output


async def test_a_server_that_is_not_running_is_reported() -> None:
    refused = await seed(free_port())
    assert (refused.status, refused.output) == (1, "")
    assert "Start Duet with `make run`" in refused.errors
    assert "Traceback" not in refused.errors
