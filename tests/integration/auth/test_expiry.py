"""When tokens and sessions end by themselves; `frozen_client`'s clock makes the edges exact."""

from datetime import timedelta

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.testing.clock import FrozenClock
from tests.support.auth_database import session_of
from tests.support.problems import assert_problem
from tests.support.refresh import refresh, renewed
from tests.support.users import log_in, register_user

ACCESS = timedelta(minutes=10)
IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=90)
JUST = timedelta(microseconds=1)


async def test_an_access_token_ends_after_ten_minutes(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    frozen_clock.advance(ACCESS - JUST)
    before = await frozen_client.get("/api/v1/users/me", headers=registered_user.headers)
    frozen_clock.advance(JUST)
    after = await frozen_client.get("/api/v1/users/me", headers=registered_user.headers)

    assert before.status_code == 200
    assert_problem(after, 401, "invalid_token")


async def test_content_stops_accepting_it_in_the_same_instant(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    mine = {"author": "me"}
    frozen_clock.advance(ACCESS - JUST)
    before = await frozen_client.get("/api/v1/posts", params=mine, headers=registered_user.headers)
    frozen_clock.advance(JUST)
    after = await frozen_client.get("/api/v1/posts", params=mine, headers=registered_user.headers)

    assert before.status_code == 200
    assert_problem(after, 401, "invalid_token")


async def test_a_session_lives_until_it_was_idle_for_a_fortnight(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    frozen_clock.advance(IDLE - JUST)

    assert (await refresh(frozen_client, registered_user.refresh_token)).status_code == 200


async def test_a_session_that_was_idle_for_a_fortnight_has_ended(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    frozen_clock.advance(IDLE)

    answer = await refresh(frozen_client, registered_user.refresh_token)

    assert_problem(answer, 401, "invalid_refresh_token")


async def test_a_session_in_use_ends_after_ninety_days(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    token = registered_user.refresh_token
    for _ in range(8):
        frozen_clock.advance(timedelta(days=11))
        token = await renewed(frozen_client, token)
    frozen_clock.advance(timedelta(days=2) - JUST)
    last = await refresh(frozen_client, token)
    frozen_clock.advance(JUST)

    assert last.status_code == 200
    answer = await refresh(frozen_client, last.json()["refresh_token"])
    assert_problem(answer, 401, "invalid_refresh_token")


async def test_near_its_end_a_session_says_how_long_it_still_lives(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)
    began = frozen_clock.now
    token = registered_user.refresh_token
    for _ in range(7):
        frozen_clock.advance(timedelta(days=11))
        token = await renewed(frozen_client, token)
    frozen_clock.advance(timedelta(days=11))

    answer = await refresh(frozen_client, token)

    assert answer.json()["refresh_expires_in"] == timedelta(days=2).total_seconds()
    user_session = await session_of(db_session, registered_user)
    assert user_session.idle_expires_at == user_session.expires_at == began + ABSOLUTE


async def test_an_expired_session_is_not_listed(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    frozen_clock.advance(IDLE)
    now = (await log_in(frozen_client, registered_user.email)).json()

    bearer = {"Authorization": f"Bearer {now['access_token']}"}
    items = (await frozen_client.get("/api/v1/users/me/sessions", headers=bearer)).json()["items"]

    assert [session["current"] for session in items] == [True]
