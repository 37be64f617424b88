"""Content verifies tokens with stored keys while auth is down, even after a restart."""

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

ISSUER = "https://away.duet.test"  # no other test stores a copy of this issuer's keys
ME = "/api/v1/profiles/me"


@asynccontextmanager
async def content_client(
    duet: Duet, auth_url: str, folder: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """Run a content process that fetches its keys from `auth_url`, and yield a client for it."""
    environment = {
        "CONTENT_DATABASE_URL": duet.urls.content,
        "JWKS_URL": f"{auth_url}/.well-known/jwks.json",
        "TOKEN_ISSUER": ISSUER,
    }
    async with (
        running_program(CONTENT, environment, folder) as program,
        httpx.AsyncClient(base_url=program.url) as client,
    ):
        yield client


@pytest.fixture
def dead_origin() -> Iterator[str]:
    """An origin that refuses every connection. Its port stays reserved during the test."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
async def content_database(duet: Duet) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Yield a connection to content's database; delete stored keys before and after the test."""
    connection = await asyncpg.connect(duet.urls.content)
    delete_copy = "DELETE FROM jwks_copies WHERE issuer = $1"
    await connection.execute(delete_copy, ISSUER)
    yield connection
    await connection.execute(delete_copy, ISSUER)
    await connection.close()


async def wait_for_copy(content_database: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until content has stored its copy of the keys."""
    async with asyncio.timeout(10):
        # Another process commits the copy, so there is no event to wait for.
        while not await content_database.fetchval(  # noqa: ASYNC110
            "SELECT 1 FROM jwks_copies WHERE issuer = $1", ISSUER
        ):
            await asyncio.sleep(0.02)


async def test_content_verifies_tokens_after_a_restart_while_auth_is_down(
    duet: Duet, content_database: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    unused = tmp_path / "unused.json"
    unused.write_bytes(TokenFactory().jwks())
    auth_settings = {"token_issuer": ISSUER}
    async with running_duet(
        duet.urls, utc_now, auth=auth_settings, content={"jwks_file": unused}
    ) as auth:
        async with httpx.AsyncClient(base_url=auth.url) as client:
            registered_user = await register_user(client)
        async with content_client(duet, auth.url, tmp_path) as first:
            await wait_for_copy(content_database)
            assert (await first.get(ME, headers=registered_user.headers)).status_code == 200
    async with content_client(duet, auth.url, tmp_path) as second:
        with pytest.raises(httpx.ConnectError):
            await second.get(f"{auth.url}/.well-known/jwks.json")
        assert (await second.get(ME, headers=registered_user.headers)).status_code == 200
        assert (await second.get("/readyz")).status_code == 200


async def test_content_is_alive_but_not_ready_without_auth_or_stored_keys(
    duet: Duet,
    content_database: "asyncpg.Connection[asyncpg.Record]",
    dead_origin: str,
    tmp_path: Path,
) -> None:
    token = TokenFactory(issuer=ISSUER).access_token()
    async with content_client(duet, dead_origin, tmp_path) as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"] == {
            "database": True,
            "schema": True,
            "verification_key": False,
        }
        assert (await client.get("/livez")).status_code == 200
        response = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert_problem(response, 401, "invalid_token")
        assert (await client.get("/api/v1/posts")).status_code == 200
