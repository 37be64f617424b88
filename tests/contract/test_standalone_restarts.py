"""`duet-standalone` keeps every acknowledged write when it is restarted or killed."""

import asyncio
from pathlib import Path

import httpx
import pytest

from duet_standalone.postgres import EmbeddedPostgres
from tests.support.programs import (
    STANDALONE,
    Program,
    is_postgres_running,
    running_program,
    standalone_environment,
)
from tests.support.users import RegisteredUser, log_in, register_user

pytestmark = pytest.mark.slow

POSTS = "/api/v1/posts"
WRITERS = 6
ACKNOWLEDGED = 150


async def test_ctrl_c_stops_duet_and_its_postgresql(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with running_program(STANDALONE, standalone_environment(data), tmp_path) as duet:
        assert is_postgres_running(data)
        assert await duet.interrupt() == 0
        assert not (data / "postgres" / "postmaster.pid").exists()
        assert "Traceback" not in await duet.output()


async def test_a_user_a_session_and_a_post_survive_a_restart(tmp_path: Path) -> None:
    environment = standalone_environment(tmp_path / "data")
    async with (
        running_program(STANDALONE, environment, tmp_path) as duet,
        httpx.AsyncClient(base_url=duet.url) as client,
    ):
        registered_user = await register_user(client)
        created = await client.post(POSTS, json={"title": "Kept"}, headers=registered_user.headers)
    async with (
        running_program(STANDALONE, environment, tmp_path) as duet,
        httpx.AsyncClient(base_url=duet.url) as client,
    ):
        read = await client.get(created.headers["location"], headers=registered_user.headers)
        assert read.json() == created.json()
        token = {"refresh_token": registered_user.refresh_token}
        assert (await client.post("/api/v1/auth/refresh", json=token)).status_code == 200
        assert (await log_in(client, registered_user.email)).status_code == 200


async def test_no_acknowledged_write_is_lost_when_duet_is_killed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    environment = standalone_environment(data)
    async with running_program(STANDALONE, environment, tmp_path) as duet:
        async with httpx.AsyncClient(base_url=duet.url) as client:
            registered_user = await register_user(client)
        acknowledged = await _write_until_killed(duet, registered_user)
        await duet.wait()
    assert len(acknowledged) >= ACKNOWLEDGED
    async with running_program(STANDALONE, environment, tmp_path) as duet:
        async with httpx.AsyncClient(base_url=duet.url, headers=registered_user.headers) as client:
            responses = await asyncio.gather(*(client.get(url) for url in acknowledged))
        assert {response.status_code for response in responses} == {200}
        assert await duet.interrupt() == 0
    assert not (data / "postgres" / "postmaster.pid").exists()


async def test_duet_can_use_another_postgresql_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with EmbeddedPostgres(tmp_path / "server", durable=False) as server:
        environment = standalone_environment(data, DATABASE_URL=server.url())
        async with (
            running_program(STANDALONE, environment, tmp_path) as duet,
            httpx.AsyncClient(base_url=duet.url) as client,
        ):
            registered_user = await register_user(client)
            response = await client.post(
                POSTS, json={"title": "Mine"}, headers=registered_user.headers
            )
            assert response.status_code == 201
            assert await duet.interrupt() == 0
        assert not (data / "postgres").exists()
        assert is_postgres_running(tmp_path / "server")


async def _write_until_killed(duet: Program, author: RegisteredUser) -> list[str]:
    """Create posts concurrently until Duet is killed. Return the URLs of the acknowledged posts."""
    acknowledged: list[str] = []

    async def write() -> None:
        async with httpx.AsyncClient(base_url=duet.url, headers=author.headers) as client:
            while True:
                try:
                    response = await client.post(POSTS, json={"title": "Written"})
                except httpx.TransportError:
                    return
                assert response.status_code == 201, response.text
                acknowledged.append(response.headers["location"])
                if len(acknowledged) == ACKNOWLEDGED:
                    duet.kill()

    async with asyncio.TaskGroup() as writers:
        for _ in range(WRITERS):
            writers.create_task(write())
    return acknowledged
