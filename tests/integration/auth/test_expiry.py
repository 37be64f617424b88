"""Tokens and sessions expire at the exact instant, which the frozen clock makes testable."""

from datetime import timedelta

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.testing.clock import FrozenClock
from tests.support.auth_database import stored_session
from tests.support.problems import assert_problem
from tests.support.refresh import next_refresh_token, refresh
from tests.support.users import log_in, register_user

ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)
IDLE_TIMEOUT = timedelta(days=14)
SESSION_LIFETIME = timedelta(days=90)
MICROSECOND = timedelta(microseconds=1)


async def test_an_access_token_expires_after_ten_minutes(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    frozen_clock.advance(ACCESS_TOKEN_LIFETIME - MICROSECOND)
    before = await frozen_client.get("/api/v1/users/me", headers=registered_user.headers)
    frozen_clock.advance(MICROSECOND)
    after = await frozen_client.get("/api/v1/users/me", headers=registered_user.headers)

    assert before.status_code == 200
    assert_problem(after, 401, "invalid_token")


async def test_content_refuses_an_access_token_after_ten_minutes(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    mine = {"author": "me"}
    frozen_clock.advance(ACCESS_TOKEN_LIFETIME - MICROSECOND)
    before = await frozen_client.get("/api/v1/posts", params=mine, headers=registered_user.headers)
    frozen_clock.advance(MICROSECOND)
    after = await frozen_client.get("/api/v1/posts", params=mine, headers=registered_user.headers)

    assert before.status_code == 200
    assert_problem(after, 401, "invalid_token")


async def test_a_session_idle_for_less_than_fourteen_days_can_be_refreshed(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    frozen_clock.advance(IDLE_TIMEOUT - MICROSECOND)

    assert (await refresh(frozen_client, registered_user.refresh_token)).status_code == 200


async def test_a_session_idle_for_fourteen_days_has_expired(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    frozen_clock.advance(IDLE_TIMEOUT)

    response = await refresh(frozen_client, registered_user.refresh_token)

    assert_problem(response, 401, "invalid_refresh_token")


async def test_a_session_in_use_expires_after_ninety_days(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    token = registered_user.refresh_token
    for _ in range(8):
        frozen_clock.advance(timedelta(days=11))
        token = await next_refresh_token(frozen_client, token)
    frozen_clock.advance(timedelta(days=2) - MICROSECOND)
    last = await refresh(frozen_client, token)
    frozen_clock.advance(MICROSECOND)

    assert last.status_code == 200
    response = await refresh(frozen_client, last.json()["refresh_token"])
    assert_problem(response, 401, "invalid_refresh_token")


async def test_the_idle_timeout_never_exceeds_the_session_lifetime(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)
    began = frozen_clock.now
    token = registered_user.refresh_token
    for _ in range(7):
        frozen_clock.advance(timedelta(days=11))
        token = await next_refresh_token(frozen_client, token)
    frozen_clock.advance(timedelta(days=11))

    response = await refresh(frozen_client, token)

    assert response.json()["refresh_expires_in"] == timedelta(days=2).total_seconds()
    user_session = await stored_session(db_session, registered_user)
    assert user_session.idle_expires_at == user_session.expires_at == began + SESSION_LIFETIME


async def test_an_expired_session_is_not_listed(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    frozen_clock.advance(IDLE_TIMEOUT)
    now = (await log_in(frozen_client, registered_user.email)).json()

    bearer = {"Authorization": f"Bearer {now['access_token']}"}
    items = (await frozen_client.get("/api/v1/users/me/sessions", headers=bearer)).json()["items"]

    assert [session["current"] for session in items] == [True]
