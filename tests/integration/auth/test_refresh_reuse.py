"""A refresh token used again returns the same successor for 10 s; later, it ends the session.

Within the 10 s, only a client with the same User-Agent gets the successor. The frozen clock makes
the end of the 10 s exact.
"""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.sessions.models import RefreshToken, UserSession
from duet_common.testing.clock import FrozenClock
from tests.support.auth_database import count_rows, stored_session
from tests.support.problems import assert_problem
from tests.support.refresh import next_refresh_token, refresh
from tests.support.users import log_in, register_user

GRACE_PERIOD = timedelta(seconds=10)
MICROSECOND = timedelta(microseconds=1)


async def test_twenty_concurrent_refreshes_create_one_successor(
    frozen_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)

    responses = await asyncio.gather(
        *(refresh(frozen_client, registered_user.refresh_token) for _ in range(20))
    )

    assert [response.status_code for response in responses] == [200] * 20
    successors = {response.json()["refresh_token"] for response in responses}
    assert len(successors) == 1
    assert await count_rows(db_session, RefreshToken) == 2
    await next_refresh_token(frozen_client, successors.pop())


@pytest.mark.parametrize("later", [timedelta(0), GRACE_PERIOD - MICROSECOND, GRACE_PERIOD])
async def test_within_the_grace_period_the_same_client_gets_the_same_successor(
    frozen_client: httpx.AsyncClient,
    frozen_clock: FrozenClock,
    db_session: AsyncSession,
    later: timedelta,
) -> None:
    registered_user = await register_user(frozen_client)
    successor = await next_refresh_token(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(later)

    assert await next_refresh_token(frozen_client, registered_user.refresh_token) == successor
    assert await count_rows(db_session, RefreshToken) == 2
    await next_refresh_token(frozen_client, successor)


async def test_reuse_does_not_extend_the_grace_period(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    await next_refresh_token(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(GRACE_PERIOD)
    await next_refresh_token(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(MICROSECOND)

    response = await refresh(frozen_client, registered_user.refresh_token)

    assert_problem(response, 401, "invalid_refresh_token")


async def test_within_the_grace_period_another_client_is_refused_without_revocation(
    frozen_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)
    successor = await next_refresh_token(frozen_client, registered_user.refresh_token)

    response = await refresh(frozen_client, registered_user.refresh_token, "another browser")

    assert_problem(response, 401, "invalid_refresh_token")
    assert successor not in response.text
    assert (await stored_session(db_session, registered_user)).revoked_at is None
    await next_refresh_token(frozen_client, successor)


async def test_the_first_use_accepts_another_user_agent(
    frozen_client: httpx.AsyncClient,
) -> None:
    registered_user = await register_user(frozen_client)

    response = await refresh(frozen_client, registered_user.refresh_token, "browser 2.0")

    assert response.status_code == 200


@pytest.mark.parametrize("user_agent", [None, "another browser"])
async def test_reuse_after_the_grace_period_revokes_the_session(
    frozen_client: httpx.AsyncClient,
    frozen_clock: FrozenClock,
    db_session: AsyncSession,
    user_agent: str | None,
) -> None:
    registered_user = await register_user(frozen_client)
    await next_refresh_token(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(GRACE_PERIOD + MICROSECOND)

    response = await refresh(frozen_client, registered_user.refresh_token, user_agent)

    problem = assert_problem(response, 401, "invalid_refresh_token")
    assert problem["detail"] == "The refresh token is unknown, expired or revoked. Log in again."
    user_session = await stored_session(db_session, registered_user)
    assert (user_session.revoked_at, user_session.revoked_reason) == (frozen_clock.now, "reuse")


async def test_reuse_revokes_every_token_of_the_session(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    registered_user = await register_user(frozen_client)
    newest = (await refresh(frozen_client, registered_user.refresh_token)).json()
    frozen_clock.advance(GRACE_PERIOD + MICROSECOND)

    await refresh(frozen_client, registered_user.refresh_token)

    response = await refresh(frozen_client, newest["refresh_token"])
    assert_problem(response, 401, "invalid_refresh_token")
    for access_token in (registered_user.access_token, newest["access_token"]):
        bearer = {"Authorization": f"Bearer {access_token}"}
        me = await frozen_client.get("/api/v1/users/me", headers=bearer)
        assert_problem(me, 401, "invalid_token")


async def test_reuse_does_not_affect_other_sessions(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, db_session: AsyncSession
) -> None:
    registered_user, other_user = (
        await register_user(frozen_client),
        await register_user(frozen_client),
    )
    other_session = (await log_in(frozen_client, registered_user.email)).json()
    await next_refresh_token(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(GRACE_PERIOD + MICROSECOND)

    await refresh(frozen_client, registered_user.refresh_token)

    revoked = await db_session.scalars(
        select(UserSession.id).where(UserSession.revoked_at.is_not(None))
    )
    assert revoked.all() == [(await stored_session(db_session, registered_user)).id]
    for token in (other_session["refresh_token"], other_user.refresh_token):
        await next_refresh_token(frozen_client, token)


async def test_reuse_of_any_earlier_token_revokes_the_session(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)
    token = registered_user.refresh_token
    for _ in range(3):
        frozen_clock.advance(GRACE_PERIOD)
        token = await next_refresh_token(frozen_client, token)

    response = await refresh(frozen_client, registered_user.refresh_token)

    assert_problem(response, 401, "invalid_refresh_token")
    assert (await stored_session(db_session, registered_user)).revoked_reason == "reuse"
    assert_problem(await refresh(frozen_client, token), 401, "invalid_refresh_token")


async def test_concurrent_reuse_is_refused_and_revokes_the_session(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock, db_session: AsyncSession
) -> None:
    registered_user = await register_user(frozen_client)
    await next_refresh_token(frozen_client, registered_user.refresh_token)
    frozen_clock.advance(GRACE_PERIOD + MICROSECOND)

    responses = await asyncio.gather(
        *(refresh(frozen_client, registered_user.refresh_token) for _ in range(10))
    )

    assert [response.status_code for response in responses] == [401] * 10
    assert (await stored_session(db_session, registered_user)).revoked_at == frozen_clock.now
