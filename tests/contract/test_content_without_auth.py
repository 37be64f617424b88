"""Auth may be down: content goes on verifying, restarts included, once it has seen the keys."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from duet_common.clock import utc_now
from duet_common.testing.tokens import TokenFactory
from tests.support.problems import assert_problem
from tests.support.programs import CONTENT, running_program
from tests.support.running_duet import Duet, running_duet
from tests.support.users import register_user

ISSUER = "https://away.duet.test"  # so that the stored copy is nobody else's
ME = "/api/v1/profiles/me"


@asynccontextmanager
async def content(duet: Duet, auth: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a content process that asks this auth for its keys."""
    environment = {
        "CONTENT_DATABASE_URL": duet.urls.content,
        "JWKS_URL": f"{auth}/.well-known/jwks.json",
        "TOKEN_ISSUER": ISSUER,
    }
    async with (
        running_program(CONTENT, environment, folder) as program,
        httpx.AsyncClient(base_url=program.url) as client,
    ):
        yield client


@pytest.fixture
def dead_origin() -> Iterator[str]:
    """An origin where every connection is refused, and that nobody else can come to."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
async def copies(duet: Duet) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to content's database, which has no copy of this issuer's keys, nor keeps it."""
    connection = await asyncpg.connect(duet.urls.content)
    forget = "DELETE FROM jwks_copies WHERE issuer = $1"
    await connection.execute(forget, ISSUER)
    yield connection
    await connection.execute(forget, ISSUER)
    await connection.close()


async def stored(copies: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Returns when the copy is there."""
    async with asyncio.timeout(10):
        # No event tells of another process's commit.
        while not await copies.fetchval(  # noqa: ASYNC110
            "SELECT 1 FROM jwks_copies WHERE issuer = $1", ISSUER
        ):
            await asyncio.sleep(0.02)


async def test_it_verifies_after_a_restart_while_auth_is_down(
    duet: Duet, copies: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    unused = tmp_path / "unused.json"
    unused.write_bytes(TokenFactory().jwks())
    away = {"token_issuer": ISSUER}
    async with running_duet(duet.urls, utc_now, auth=away, content={"jwks_file": unused}) as auth:
        async with httpx.AsyncClient(base_url=auth.url) as client:
            registered_user = await register_user(client)
        async with content(duet, auth.url, tmp_path) as first:
            await stored(copies)
            assert (await first.get(ME, headers=registered_user.headers)).status_code == 200
    async with content(duet, auth.url, tmp_path) as second:
        with pytest.raises(httpx.ConnectError):
            await second.get(f"{auth.url}/.well-known/jwks.json")
        assert (await second.get(ME, headers=registered_user.headers)).status_code == 200
        assert (await second.get("/readyz")).status_code == 200


async def test_with_neither_auth_nor_a_copy_it_is_alive_and_not_ready(
    duet: Duet,
    copies: "asyncpg.Connection[asyncpg.Record]",
    dead_origin: str,
    tmp_path: Path,
) -> None:
    token = TokenFactory(issuer=ISSUER).access_token()
    async with content(duet, dead_origin, tmp_path) as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"] == {
            "database": True,
            "schema": True,
            "verification_key": False,
        }
        assert (await client.get("/livez")).status_code == 200
        answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert_problem(answer, 401, "invalid_token")
        assert (await client.get("/api/v1/posts")).status_code == 200
