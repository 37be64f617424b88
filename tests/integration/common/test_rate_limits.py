"""Rate limits per address and per principal, on services with low limits."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from duet_common.clock import utc_now
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet, running_duet
from tests.support.users import log_in, new_email, register_user

ME = "/api/v1/users/me"
JWKS = "/.well-known/jwks.json"

LimitedClient = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def limited_client(duet: Duet, tmp_path: Path) -> LimitedClient:
    """Return a function that runs both services with the given limits in auth and opens a client.

    Content reads the public keys from a file.
    """
    keys = tmp_path / "jwks.json"
    keys.write_bytes(duet.auth.runtime.ring.jwks)

    @asynccontextmanager
    async def open_client(**limits: object) -> AsyncIterator[httpx.AsyncClient]:
        auth = {"rate_limit_enabled": True, **limits}
        async with (
            running_duet(
                duet.urls, utc_now, auth=auth, content={"jwks_file": keys}
            ) as limited_duet,
            httpx.AsyncClient(base_url=limited_duet.url) as client,
        ):
            yield client

    return open_client


def assert_limited(response: httpx.Response, name: str, quota: int) -> None:
    problem = assert_problem(response, 429, "rate_limited")
    wait = int(response.headers["retry-after"])
    assert 1 <= wait <= 60
    assert response.headers["ratelimit"] == f'"{name}";r=0;t={wait}'
    assert response.headers["ratelimit-policy"] == f'"{name}";q={quota};w=60'
    assert problem["detail"] == f"The limit is {quota} requests per minute. Try again in {wait} s."


async def test_requests_over_the_limit_of_an_address_are_refused(
    limited_client: LimitedClient,
) -> None:
    async with limited_client(rate_limit_address=5) as client:
        statuses = [(await client.get(ME)).status_code for _ in range(5)]
        over = await client.get(ME)

    assert statuses == [401] * 5
    assert_limited(over, "address", 5)
    assert "x-process-time" in over.headers


async def test_a_request_with_a_valid_token_is_exempt_from_the_address_limit(
    limited_client: LimitedClient,
) -> None:
    async with limited_client(rate_limit_address=10) as client:
        registered_user = await register_user(client)
        for _ in range(8):
            await client.get(ME)

        assert_limited(await client.get(ME), "address", 10)
        assert (await client.get(ME, headers=registered_user.headers)).status_code == 200


async def test_each_principal_has_a_separate_limit(limited_client: LimitedClient) -> None:
    async with limited_client(rate_limit_principal=3) as client:
        registered_user, other = await register_user(client), await register_user(client)
        again = (await log_in(client, registered_user.email)).json()["access_token"]
        statuses = [
            (await client.get(ME, headers=registered_user.headers)).status_code for _ in range(3)
        ]

        assert statuses == [200] * 3
        assert_limited(await client.get(ME, headers=registered_user.headers), "principal", 3)
        second_session = await client.get(ME, headers={"Authorization": f"Bearer {again}"})
        assert_limited(second_session, "principal", 3)
        assert (await client.get(ME, headers=other.headers)).status_code == 200


async def test_a_request_with_an_invalid_token_counts_for_its_address(
    limited_client: LimitedClient,
) -> None:
    async with limited_client(rate_limit_address=3) as client:
        forged = [{"Authorization": f"Bearer forged-{number}"} for number in range(4)]
        responses = [await client.get(ME, headers=headers) for headers in forged]

    for response in responses[:3]:
        assert_problem(response, 401, "invalid_token")
    assert_limited(responses[3], "address", 3)


@pytest.mark.parametrize("name", ["login", "register", "refresh"])
async def test_each_credential_endpoint_has_its_own_limit(
    limited_client: LimitedClient, name: str
) -> None:
    async with limited_client(**{f"rate_limit_{name}": 2}) as client:
        statuses = [(await client.post(f"/api/v1/auth/{name}")).status_code for _ in range(2)]
        over = await client.post(f"/api/v1/auth/{name}")

        assert statuses == [422] * 2
        assert_limited(over, name, 2)
        assert (await client.get(ME)).status_code == 401


async def test_the_login_limit_counts_all_emails_together(
    limited_client: LimitedClient,
) -> None:
    async with limited_client(rate_limit_login=2) as client:
        responses = [await log_in(client, new_email()) for _ in range(3)]

    assert [response.status_code for response in responses] == [401, 401, 429]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"])
async def test_a_forged_client_address_is_ignored(
    limited_client: LimitedClient, header: str
) -> None:
    async with limited_client(rate_limit_address=2) as client:
        responses = [
            await client.get(ME, headers={header: f"203.0.113.{number}"}) for number in range(3)
        ]

    assert [response.status_code for response in responses] == [401, 401, 429]


async def test_rate_limits_can_be_disabled(limited_client: LimitedClient) -> None:
    limits = {"rate_limit_address": 1, "rate_limit_login": 1, "rate_limit_principal": 1}
    async with limited_client(**{**limits, "rate_limit_enabled": False}) as client:
        registered_user = await register_user(client)
        authenticated = [await client.get(ME, headers=registered_user.headers) for _ in range(3)]
        anonymous = [await client.get(ME) for _ in range(3)]
        logins = [await log_in(client, registered_user.email) for _ in range(2)]

    assert {response.status_code for response in authenticated + logins} == {200}
    assert {response.status_code for response in anonymous} == {401}
    assert not any("ratelimit" in response.headers for response in anonymous)


async def test_the_public_keys_are_exempt_from_rate_limits(limited_client: LimitedClient) -> None:
    """Without them, a verifier would refuse valid tokens after a rotation."""
    async with limited_client(rate_limit_address=2) as client:
        responses = [await client.get(JWKS) for _ in range(5)]

    assert [response.status_code for response in responses] == [200] * 5
