"""A refresh token used twice: forgiven to the same client for 10 s, then the session ends.

The pair of `frozen_client` has a clock that stands still, so that 10 s are exactly 10 s.
"""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.sessions.models import RefreshToken, UserSession
from duet_common.testing.clock import FrozenClock
from tests.support.auth_database import count, session_of
from tests.support.problems import assert_problem
from tests.support.refresh import refresh, renewed
from tests.support.users import log_in, register_user

GRACE = timedelta(seconds=10)
JUST = timedelta(microseconds=1)


async def test_twenty_parallel_refreshes_make_one_successor(
    frozen_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)

    answers = await asyncio.gather(
        *(refresh(frozen_client, registered_user.refresh_token) for _ in range(20))
    )

    assert [answer.status_code for answer in answers] == [200] * 20
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert await count(db_session, RefreshToken) == 2
    await renewed(frozen_client, successors.pop())


@pytest.mark.parametrize("later", [timedelta(0), GRACE - JUST, GRACE])
async def test_within_the_grace_the_same_client_gets_the_same_successor(
    frozen_client: httpx.AsyncClient,
    frozen_clock: FrozenClock,
    db_session: AsyncSession,
    later: timedelta,
) -> None:
    registered_user = await register_user(frozen_client)
    successor = await renewed(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(later)

    assert await renewed(frozen_client, registered_user.refresh_token) == successor
    assert await count(db_session, RefreshToken) == 2
    await renewed(frozen_client, successor)


async def test_a_second_use_does_not_prolong_the_grace(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    await renewed(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(GRACE)
    await renewed(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(JUST)

    answer = await refresh(frozen_client, registered_user.refresh_token)

    assert_problem(answer, 401, "invalid_refresh_token")


async def test_within_the_grace_another_client_is_refused_and_nothing_is_revoked(
    frozen_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)
    successor = await renewed(frozen_client, registered_user.refresh_token)

    answer = await refresh(frozen_client, registered_user.refresh_token, "another browser")

    assert_problem(answer, 401, "invalid_refresh_token")
    assert successor not in answer.text
    assert (await session_of(db_session, registered_user)).revoked_at is None
    await renewed(frozen_client, successor)


async def test_a_first_use_by_another_client_is_an_upgrade_of_the_browser(
    frozen_client: httpx.AsyncClient,
) -> None:
    registered_user = await register_user(frozen_client)

    answer = await refresh(frozen_client, registered_user.refresh_token, "browser 2.0")

    assert answer.status_code == 200


@pytest.mark.parametrize("user_agent", [None, "another browser"])
async def test_a_replayed_refresh_token_ends_the_session_and_that_is_stored(
    frozen_client: httpx.AsyncClient,
    frozen_clock: FrozenClock,
    db_session: AsyncSession,
    user_agent: str | None,
) -> None:
    registered_user = await register_user(frozen_client)
    await renewed(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(GRACE + JUST)

    answer = await refresh(frozen_client, registered_user.refresh_token, user_agent)

    problem = assert_problem(answer, 401, "invalid_refresh_token")
    assert problem["detail"] == ("The refresh token is unknown, expired or revoked. Log in again.")
    user_session = await session_of(db_session, registered_user)
    assert (user_session.revoked_at, user_session.revoked_reason) == (frozen_clock.now, "reuse")


async def test_after_a_replay_every_token_of_the_session_is_dead(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    newest = (await refresh(frozen_client, registered_user.refresh_token)).json()
    frozen_clock.advance(GRACE + JUST)

    await refresh(frozen_client, registered_user.refresh_token)

    answer = await refresh(frozen_client, newest["refresh_token"])
    assert_problem(answer, 401, "invalid_refresh_token")
    for access_token in (registered_user.access_token, newest["access_token"]):
        bearer = {"Authorization": f"Bearer {access_token}"}
        me = await frozen_client.get("/api/v1/users/me", headers=bearer)
        assert_problem(me, 401, "invalid_token")


async def test_a_replay_ends_no_other_session(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, db_session: AsyncSession
) -> None:
    registered_user, stranger = (
        await register_user(frozen_client),
        await register_user(frozen_client),
    )
    other = (await log_in(frozen_client, registered_user.email)).json()
    await renewed(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(GRACE + JUST)

    await refresh(frozen_client, registered_user.refresh_token)

    revoked = await db_session.scalars(
        select(UserSession.id).where(UserSession.revoked_at.is_not(None))
    )
    assert revoked.all() == [(await session_of(db_session, registered_user)).id]
    for token in (other["refresh_token"], stranger.refresh_token):
        await renewed(frozen_client, token)


async def test_an_ancestor_of_any_age_is_a_replay(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)
    token = registered_user.refresh_token
    for _ in range(3):
        frozen_clock.advance(GRACE)
        token = await renewed(frozen_client, token)

    answer = await refresh(frozen_client, registered_user.refresh_token)

    assert_problem(answer, 401, "invalid_refresh_token")
    assert (await session_of(db_session, registered_user)).revoked_reason == "reuse"
    assert_problem(await refresh(frozen_client, token), 401, "invalid_refresh_token")


async def test_parallel_replays_revoke_once(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)
    await renewed(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(GRACE + JUST)

    answers = await asyncio.gather(
        *(refresh(frozen_client, registered_user.refresh_token) for _ in range(10))
    )

    assert [answer.status_code for answer in answers] == [401] * 10
    assert (await session_of(db_session, registered_user)).revoked_at == frozen_clock.now
