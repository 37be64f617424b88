"""A database that is away makes 503 that says when to try again, never 500, and it comes back."""

from collections.abc import AsyncIterator

import httpx
import pytest

from duet_auth.main import create_app
from duet_common.clock import utc_now
from duet_common.testing.clock import AdjustableClock
from duet_standalone.databases import DatabaseUrls
from tests.support.outage import Relay, relay_to
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet, auth_settings, running_duet
from tests.support.users import PASSWORD, log_in, new_email, register_user

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
async def relay(postgres_url: str) -> AsyncIterator[Relay]:
    async with relay_to(postgres_url) as relay:
        yield relay


@pytest.fixture
async def behind(duet: Duet, relay: Relay, clock: AdjustableClock) -> AsyncIterator[Duet]:
    """A second pair on the same databases, by way of the relay."""
    urls = DatabaseUrls(relay.url_for(duet.urls.auth), relay.url_for(duet.urls.content))
    async with running_duet(urls, clock) as pair:
        yield pair


@pytest.fixture
async def client(behind: Duet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=behind.url) as client:
        yield client


def assert_unavailable(response: httpx.Response, code: str = "database_unavailable") -> None:
    assert_problem(response, 503, code)
    assert response.headers["retry-after"] == "1"


async def test_without_the_database_every_answer_is_503_and_then_it_is_as_before(
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
    answer = await client.post(
        "/api/v1/auth/refresh", json={"refresh_token": registered_user.refresh_token}
    )
    assert answer.status_code == 200
    me = (await client.get("/api/v1/users/me")).json()
    assert (me["first_name"], me["last_name"]) == (None, "L")


async def test_the_keys_are_published_while_the_database_is_away(
    client: httpx.AsyncClient, relay: Relay
) -> None:
    before = await client.get("/.well-known/jwks.json")
    await relay.cut()

    after = await client.get("/.well-known/jwks.json")

    assert (after.status_code, after.content) == (200, before.content)


@pytest.fixture(params=[True, False], ids=["limited", "unlimited"])
async def started_without(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """auth, started while its database is away."""
    app = create_app(auth_settings(NOWHERE, rate_limit_enabled=request.param), utc_now)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://auth") as client,
    ):
        yield client


async def test_a_service_that_started_without_its_database_refuses_logins_for_now(
    started_without: httpx.AsyncClient,
) -> None:
    assert_unavailable(await log_in(started_without, new_email()))


async def test_a_service_that_has_read_no_key_does_not_call_a_token_invalid(
    started_without: httpx.AsyncClient, duet: Duet
) -> None:
    """A client that is told 401 throws its tokens away."""
    async with httpx.AsyncClient(base_url=duet.url) as client:
        registered_user = await register_user(client)

    me = await started_without.get("/api/v1/users/me", headers=registered_user.headers)

    assert_unavailable(me, "no_signing_key")


async def test_a_service_that_has_read_no_key_publishes_none(
    started_without: httpx.AsyncClient,
) -> None:
    assert_unavailable(await started_without.get("/.well-known/jwks.json"), "no_signing_key")


async def test_what_is_no_token_at_all_is_invalid_even_then(
    started_without: httpx.AsyncClient,
) -> None:
    bearer = {"Authorization": "Bearer not-a-token"}

    answer = await started_without.get("/api/v1/users/me", headers=bearer)

    assert_problem(answer, 401, "invalid_token")
