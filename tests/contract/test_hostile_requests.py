"""A hostile request causes no server error, no undocumented refusal and no change of data."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.hostile_bodies import HOSTILE_BODIES
from tests.support.hostile_requests import BROKEN_REQUESTS, HOSTILE_REQUESTS
from tests.support.openapi import documented_codes
from tests.support.problems import assert_problem
from tests.support.raw_http import Request, send
from tests.support.running_duet import Duet
from tests.support.tables import TABLES
from tests.support.users import register_user

EVERYWHERE = {"not_found", "method_not_allowed"}
NOT_HTTP = "Invalid HTTP request received."  # uvicorn's response to a request that is not HTTP


@dataclass
class Target:
    """Both running services with a user's token and post, and connections to their databases."""

    url: str
    token: str
    post: str
    connections: "dict[str, asyncpg.Connection[asyncpg.Record]]"
    paths: dict[str, dict[str, Any]]

    async def attack(self, request: Request) -> httpx.Response | None:
        data = request.encode(self.token, self.post)
        return await send(self.url, data, cut_off=request.cut_off)

    async def stored(self) -> list[str]:
        """Return the content of every table."""
        return [
            await self.connections[service].fetchval(
                f"SELECT string_agg(t::text, '|' ORDER BY t::text) FROM {table} t"  # noqa: S608
            )
            for service, tables in TABLES.items()
            for table in tables
        ]

    def documented(self, request: Request) -> set[str]:
        """The codes that the operation of a request documents."""
        responses = self.paths[request.path][request.method.lower()]["responses"]
        return {code for answer in responses.values() for code in documented_codes(answer)}

    def all_documented(self) -> set[str]:
        operations = [o for path in self.paths.values() for o in path.values()]
        responses = [r for operation in operations for r in operation["responses"].values()]
        return EVERYWHERE | {code for response in responses for code in documented_codes(response)}


@pytest.fixture(scope="module")
async def target(session_duet: Duet) -> AsyncIterator[Target]:
    async with httpx.AsyncClient(base_url=session_duet.url) as client:
        registered_user = await register_user(client, first_name="Ada")
        post = await client.post(
            "/api/v1/posts", json={"title": "Engines"}, headers=registered_user.headers
        )
        await client.put(
            "/api/v1/profiles/me", json={"bio": "Countess"}, headers=registered_user.headers
        )
        paths = (await client.get("/openapi.json")).json()["paths"]
    connections = {
        "auth": await asyncpg.connect(session_duet.urls.auth),
        "content": await asyncpg.connect(session_duet.urls.content),
    }
    yield Target(
        session_duet.url, registered_user.access_token, post.json()["id"], connections, paths
    )
    for service, connection in connections.items():
        await connection.execute(f"TRUNCATE {', '.join(TABLES[service])}")
        await connection.close()


def refusal_of(response: httpx.Response | None) -> str:
    """Return the code of a response, which must be a problem with a 4xx status."""
    assert response is not None
    assert 400 <= response.status_code < 500, response.text
    code: str = response.json()["code"]
    assert_problem(response, response.status_code, code)
    return code


@pytest.mark.parametrize("request_", HOSTILE_BODIES, ids=lambda request: request.name)
async def test_a_hostile_body_is_refused(target: Target, request_: Request) -> None:
    before = await target.stored()
    code = refusal_of(await target.attack(request_))
    assert code in target.documented(request_)
    assert code not in {"authentication_required", "invalid_token"}
    assert await target.stored() == before


@pytest.mark.parametrize(
    "request_", [*HOSTILE_REQUESTS, *BROKEN_REQUESTS], ids=lambda request: request.name
)
async def test_a_hostile_request_changes_no_data(target: Target, request_: Request) -> None:
    before = await target.stored()
    response = await target.attack(request_)
    assert response is not None or request_.cut_off
    if response is not None and response.text != NOT_HTTP and not response.is_success:
        assert refusal_of(response) in target.all_documented()
    assert await target.stored() == before
