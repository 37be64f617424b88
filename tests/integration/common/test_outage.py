"""Requests that need an unavailable database get 503 with Retry-After, and succeed afterwards."""

from collections.abc import AsyncIterator

import httpx
import pytest

from duet_auth.main import create_app
from duet_common.clock import utc_now
from duet_common.testing.clock import AdjustableClock
from duet_standalone.databases import DatabaseUrls
from tests.support.outage import Relay, running_relay
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet, auth_settings, running_duet
from tests.support.users import PASSWORD, log_in, new_email, register_user

UNREACHABLE_DATABASE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
async def relay(postgres_url: str) -> AsyncIterator[Relay]:
    async with running_relay(postgres_url) as relay:
        yield relay


@pytest.fixture
async def duet_behind_relay(
    duet: Duet, relay: Relay, clock: AdjustableClock
) -> AsyncIterator[Duet]:
    """Two further services, which reach the same databases through the relay."""
    urls = DatabaseUrls(relay.url_for(duet.urls.auth), relay.url_for(duet.urls.content))
    async with running_duet(urls, clock) as duet_behind_relay:
        yield duet_behind_relay


@pytest.fixture
async def client(duet_behind_relay: Duet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=duet_behind_relay.url) as client:
        yield client


def assert_unavailable(response: httpx.Response, code: str = "database_unavailable") -> None:
    assert_problem(response, 503, code)
    assert response.headers["retry-after"] == "1"


async def test_requests_get_503_without_the_database_and_succeed_afterwards(
    client: httpx.AsyncClient, relay: Relay
) -> None:
    registered_user = await register_user(client)
    client.headers.update(registered_user.headers)

    await relay.cut()
    for method, path, body in (
        ("GET", "/api/v1/users/me", None),
        ("PATCH", "/api/v1/users/me", {"first_name": "Ada"}),
        ("POST", "/api/v1/auth/refresh", {"refresh_token": registered_user.refresh_token}),
        ("POST", "/api/v1/auth/register", {"email": new_email(), "password": PASSWORD}),
        ("GET", "/api/v1/posts", None),
        ("POST", "/api/v1/posts", {"title": "A post", "content": "Words."}),
    ):
        assert_unavailable(await client.request(method, path, json=body))
    assert_unavailable(await log_in(client, registered_user.email))
    await relay.restore()

    assert (await log_in(client, registered_user.email)).status_code == 200
    assert (await client.patch("/api/v1/users/me", json={"last_name": "L"})).status_code == 200
    response = await client.post(
        "/api/v1/auth/refresh", json={"refresh_token": registered_user.refresh_token}
    )
    assert response.status_code == 200
    me = (await client.get("/api/v1/users/me")).json()
    assert (me["first_name"], me["last_name"]) == (None, "L")


async def test_the_public_keys_are_served_without_the_database(
    client: httpx.AsyncClient, relay: Relay
) -> None:
    before = await client.get("/.well-known/jwks.json")
    await relay.cut()

    after = await client.get("/.well-known/jwks.json")

    assert (after.status_code, after.content) == (200, before.content)


@pytest.fixture(params=[True, False], ids=["limited", "unlimited"])
async def client_of_auth_without_database(
    request: pytest.FixtureRequest,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an auth service that started without a database."""
    app = create_app(auth_settings(UNREACHABLE_DATABASE, rate_limit_enabled=request.param), utc_now)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://auth") as client,
    ):
        yield client


async def test_login_gets_503_if_auth_started_without_its_database(
    client_of_auth_without_database: httpx.AsyncClient,
) -> None:
    assert_unavailable(await log_in(client_of_auth_without_database, new_email()))


async def test_a_valid_token_gets_503_if_auth_has_not_read_its_keys(
    client_of_auth_without_database: httpx.AsyncClient, duet: Duet
) -> None:
    """A client that gets 401 discards its tokens."""
    async with httpx.AsyncClient(base_url=duet.url) as client:
        registered_user = await register_user(client)

    me = await client_of_auth_without_database.get(
        "/api/v1/users/me", headers=registered_user.headers
    )

    assert_unavailable(me, "no_signing_key")


async def test_the_public_keys_get_503_if_auth_has_not_read_its_keys(
    client_of_auth_without_database: httpx.AsyncClient,
) -> None:
    assert_unavailable(
        await client_of_auth_without_database.get("/.well-known/jwks.json"), "no_signing_key"
    )


async def test_a_malformed_token_gets_401_even_if_auth_has_not_read_its_keys(
    client_of_auth_without_database: httpx.AsyncClient,
) -> None:
    bearer = {"Authorization": "Bearer not-a-token"}

    response = await client_of_auth_without_database.get("/api/v1/users/me", headers=bearer)

    assert_problem(response, 401, "invalid_token")
