"""`/internal` is served on a loopback listener, and on no other."""

import socket
from pathlib import Path

import httpx
import pytest

from duet_standalone.internal import listen_on_loopback
from tests.support.events import BEARER
from tests.support.openapi import DOCUMENTS
from tests.support.problems import assert_problem
from tests.support.programs import STANDALONE, running_program, standalone_environment
from tests.support.running_duet import Duet

INTERNAL = ["/internal/events", "/internal/users"]


@pytest.mark.parametrize("path", [*INTERNAL, "/internal", "/internal/", "//internal/events"])
async def test_the_public_listener_does_not_serve_internal_paths(duet: Duet, path: str) -> None:
    async with httpx.AsyncClient(base_url=duet.url, headers=BEARER) as client:
        assert_problem(await client.get(f"{duet.url}{path}"), 404, "not_found")


@pytest.mark.parametrize("path", INTERNAL)
async def test_the_internal_listener_serves_internal_paths(duet: Duet, path: str) -> None:
    async with httpx.AsyncClient(base_url=duet.internal_url, headers=BEARER) as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/internal", "/api/v1/users/me", "/metrics", "/livez", "/.well-known/jwks.json"]
)
async def test_the_internal_listener_serves_nothing_else(duet: Duet, path: str) -> None:
    async with httpx.AsyncClient(base_url=duet.internal_url) as client:
        response = await client.get(path)

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_the_internal_listener_is_only_reachable_from_this_machine() -> None:
    with listen_on_loopback() as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.family == socket.AF_INET


@pytest.mark.parametrize("service", DOCUMENTS)
def test_no_openapi_document_contains_internal_paths(service: str) -> None:
    assert not [path for path in DOCUMENTS[service]["paths"] if path.startswith("/internal")]


async def test_make_run_does_not_serve_internal_paths_on_its_port(tmp_path: Path) -> None:
    environment = standalone_environment(tmp_path / "data")
    async with running_program(STANDALONE, environment, tmp_path) as program:
        async with httpx.AsyncClient(base_url=program.url) as client:
            for path in INTERNAL:
                assert_problem(await client.get(path), 404, "not_found")
        assert await program.interrupt() == 0
