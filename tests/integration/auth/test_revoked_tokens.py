"""Removing a permission revokes the tokens that contain it, and no token that is issued later."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.service import EventService
from duet_auth.runtime import AuthRuntime
from duet_auth.users.service import UserService
from duet_common.ids import milliseconds_of
from duet_common.testing.clock import FrozenClock
from duet_common.tokens.strict_jws import read_unverified
from tests.support.events import written_events
from tests.support.problems import assert_problem
from tests.support.refresh import refresh
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser, log_in, register_user

ME = "/api/v1/users/me"
SetPermissions = Callable[..., Awaitable[None]]
Revocations = Callable[[], Awaitable[list[int]]]


def user_service(runtime: AuthRuntime, session: AsyncSession) -> UserService:
    pool, hasher = runtime.database.read_only_pool, runtime.hasher
    return UserService(session, pool, hasher, EventService(session), runtime.clock)


@pytest.fixture
def set_permissions(session_frozen_duet: Duet, frozen_client: httpx.AsyncClient) -> SetPermissions:
    """Replace the permissions of a user, as `duet-auth users grant` does."""
    runtime = session_frozen_duet.auth.runtime

    async def replace(
        user: RegisteredUser, *permissions: str, superuser: bool | None = None
    ) -> None:
        async with runtime.database.transaction() as session:
            service = user_service(runtime, session)
            await service.set_permissions(user.email, permissions, is_superuser=superuser)

    return replace


@pytest.fixture
def revocations(db_session: AsyncSession) -> Revocations:
    """Return the instants of all events `tokens.revoked_before`, in milliseconds."""

    async def read() -> list[int]:
        events = await written_events(db_session, but="user.registered")
        assert {event.type for event in events} <= {"tokens.revoked_before"}
        return [_milliseconds(str(event.data["before"])) for event in events]

    return read


def _milliseconds(instant: str) -> int:
    assert instant.endswith("Z")
    assert len(instant.partition(".")[2]) == len("123Z")
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def made_at(access_token: str) -> int:
    """Return the milliseconds in a token's `jti`."""
    return milliseconds_of(uuid.UUID(str(read_unverified(access_token).claims["jti"])))


async def new_tokens(client: httpx.AsyncClient, user: RegisteredUser) -> list[str]:
    """Return an access token from a login, and one from a refresh."""
    responses = [await log_in(client, user.email), await refresh(client, user.refresh_token)]
    return [response.json()["access_token"] for response in responses]


async def test_the_id_of_a_token_contains_the_millisecond_of_its_issue(
    frozen_client: httpx.AsyncClient, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(timedelta(milliseconds=123, microseconds=999))
    user = await register_user(frozen_client)

    now = frozen_clock().replace(microsecond=123_000)
    assert made_at(user.access_token) == round(now.timestamp() * 1000)
    assert uuid.UUID(str(read_unverified(user.access_token).claims["jti"])).version == 7


async def test_a_removal_revokes_earlier_tokens_and_no_later_ones_within_the_same_millisecond(
    frozen_client: httpx.AsyncClient, set_permissions: SetPermissions, revocations: Revocations
) -> None:
    user = await register_user(frozen_client)
    await set_permissions(user, "users:read")
    earlier = [user.access_token, (await log_in(frozen_client, user.email)).json()["access_token"]]

    await set_permissions(user)
    later = await new_tokens(frozen_client, user)

    (before,) = await revocations()
    assert all(made_at(token) < before for token in earlier)
    assert all(made_at(token) >= before for token in later)
    for tokens, status in ((earlier, 401), (later, 200)):
        for token in tokens:
            bearer = {"Authorization": f"Bearer {token}"}
            assert (await frozen_client.get(ME, headers=bearer)).status_code == status


async def test_a_second_removal_revokes_the_tokens_between_the_two(
    frozen_client: httpx.AsyncClient, set_permissions: SetPermissions, revocations: Revocations
) -> None:
    user = await register_user(frozen_client)
    await set_permissions(user, "users:read", "posts:moderate")
    await set_permissions(user, "users:read")
    between = await new_tokens(frozen_client, user)

    await set_permissions(user)
    later = (await log_in(frozen_client, user.email)).json()["access_token"]

    _, second = await revocations()
    assert all(made_at(token) < second for token in between)
    assert made_at(later) >= second


async def test_a_removed_permission_cannot_be_used_at_auth(
    frozen_client: httpx.AsyncClient, set_permissions: SetPermissions
) -> None:
    user = await register_user(frozen_client)
    await set_permissions(user, "users:read")
    token = (await log_in(frozen_client, user.email)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await frozen_client.get("/api/v1/users", headers=bearer)).status_code == 200

    await set_permissions(user)

    assert_problem(await frozen_client.get("/api/v1/users", headers=bearer), 401, "invalid_token")


async def test_granting_a_permission_revokes_nothing(
    frozen_client: httpx.AsyncClient, set_permissions: SetPermissions, revocations: Revocations
) -> None:
    user = await register_user(frozen_client)

    await set_permissions(user, "users:read")
    await set_permissions(user, "users:read", "posts:moderate")
    await set_permissions(user, "posts:moderate", "users:read")
    await set_permissions(user, superuser=True)

    assert await revocations() == []


async def test_a_demoted_superuser_loses_the_tokens_with_every_permission(
    frozen_client: httpx.AsyncClient, set_permissions: SetPermissions, revocations: Revocations
) -> None:
    user = await register_user(frozen_client)
    await set_permissions(user, superuser=True)
    assert await revocations() == []

    await set_permissions(user, "users:read", superuser=False)

    assert len(await revocations()) == 1


async def test_a_refresh_waits_for_a_removal_that_has_not_been_committed(
    frozen_client: httpx.AsyncClient,
    session_frozen_duet: Duet,
    set_permissions: SetPermissions,
) -> None:
    """Otherwise the new token could contain the permission, and be made after the revocation."""
    user = await register_user(frozen_client)
    await set_permissions(user, "users:read")
    runtime = session_frozen_duet.auth.runtime
    async with runtime.database.transaction() as session:
        await user_service(runtime, session).set_permissions(user.email, [])
        refreshing = asyncio.create_task(refresh(frozen_client, user.refresh_token))
        done, _ = await asyncio.wait({refreshing}, timeout=0.3)
        assert not done

    token = (await refreshing).json()["access_token"]
    assert read_unverified(token).claims["scope"] == ""


async def test_refreshes_and_a_deletion_do_not_deadlock(
    client: httpx.AsyncClient, duet: Duet
) -> None:
    """Both lock the user's row before the rows of sessions."""
    for _ in range(5):
        user = await register_user(client)
        others = [(await log_in(client, user.email)).json()["refresh_token"] for _ in range(3)]

        responses = await asyncio.gather(
            *(refresh(client, token) for token in [*others, *others]),
            client.delete(ME, headers=user.headers),
        )

        statuses = {response.status_code for response in responses}
        assert statuses <= {200, 204, 401}
