"""Limits by address and by principal, on pairs of these tests' own; all others run without."""

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

Limited = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def limited(duet: Duet, tmp_path: Path) -> Limited:
    """Opens a client of a pair with the given limits in auth; content asks auth for nothing."""
    keys = tmp_path / "jwks.json"
    keys.write_bytes(duet.auth.runtime.ring.jwks)

    @asynccontextmanager
    async def opened(**limits: object) -> AsyncIterator[httpx.AsyncClient]:
        auth = {"rate_limit_enabled": True, **limits}
        async with (
            running_duet(duet.urls, utc_now, auth=auth, content={"jwks_file": keys}) as pair,
            httpx.AsyncClient(base_url=pair.url) as client,
        ):
            yield client

    return opened


def assert_limited(response: httpx.Response, name: str, quota: int) -> None:
    problem = assert_problem(response, 429, "rate_limited")
    wait = int(response.headers["retry-after"])
    assert 1 <= wait <= 60
    assert response.headers["ratelimit"] == f'"{name}";r=0;t={wait}'
    assert response.headers["ratelimit-policy"] == f'"{name}";q={quota};w=60'
    assert problem["detail"] == f"The limit is {quota} requests per minute. Try again in {wait} s."


async def test_an_address_has_its_requests_a_minute_and_no_more(limited: Limited) -> None:
    async with limited(rate_limit_address=5) as client:
        statuses = [(await client.get(ME)).status_code for _ in range(5)]
        over = await client.get(ME)

    assert statuses == [401] * 5
    assert_limited(over, "address", 5)
    assert "x-process-time" in over.headers


async def test_a_token_takes_its_owner_out_of_the_addresss_limit(limited: Limited) -> None:
    async with limited(rate_limit_address=10) as client:
        registered_user = await register_user(client)
        for _ in range(8):
            await client.get(ME)

        assert_limited(await client.get(ME), "address", 10)
        assert (await client.get(ME, headers=registered_user.headers)).status_code == 200


async def test_each_principal_has_a_limit_of_its_own(limited: Limited) -> None:
    async with limited(rate_limit_principal=3) as client:
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


async def test_a_refused_token_costs_its_address(limited: Limited) -> None:
    async with limited(rate_limit_address=3) as client:
        forged = [{"Authorization": f"Bearer forged-{number}"} for number in range(4)]
        answers = [await client.get(ME, headers=headers) for headers in forged]

    for answer in answers[:3]:
        assert_problem(answer, 401, "invalid_token")
    assert_limited(answers[3], "address", 3)


@pytest.mark.parametrize("name", ["login", "register", "refresh"])
async def test_what_hashes_or_guesses_is_limited_more_tightly(limited: Limited, name: str) -> None:
    async with limited(**{f"rate_limit_{name}": 2}) as client:
        statuses = [(await client.post(f"/api/v1/auth/{name}")).status_code for _ in range(2)]
        over = await client.post(f"/api/v1/auth/{name}")

        assert statuses == [422] * 2
        assert_limited(over, name, 2)
        assert (await client.get(ME)).status_code == 401


async def test_the_limit_of_login_counts_every_email_together(limited: Limited) -> None:
    async with limited(rate_limit_login=2) as client:
        answers = [await log_in(client, new_email()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"])
async def test_a_forged_address_fools_no_limit(limited: Limited, header: str) -> None:
    async with limited(rate_limit_address=2) as client:
        answers = [
            await client.get(ME, headers={header: f"203.0.113.{number}"}) for number in range(3)
        ]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_disabled_there_is_no_limit_at_all(limited: Limited) -> None:
    limits = {"rate_limit_address": 1, "rate_limit_login": 1, "rate_limit_principal": 1}
    async with limited(**{**limits, "rate_limit_enabled": False}) as client:
        registered_user = await register_user(client)
        mine = [await client.get(ME, headers=registered_user.headers) for _ in range(3)]
        anyones = [await client.get(ME) for _ in range(3)]
        logins = [await log_in(client, registered_user.email) for _ in range(2)]

    assert {answer.status_code for answer in mine + logins} == {200}
    assert {answer.status_code for answer in anyones} == {401}
    assert not any("ratelimit" in answer.headers for answer in anyones)


async def test_the_public_keys_are_not_limited(limited: Limited) -> None:
    """A verifier that is refused them would refuse good tokens after a rotation."""
    async with limited(rate_limit_address=2) as client:
        answers = [await client.get(JWKS) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 5
