"""A key rotation while both services are in use causes no refused request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from duet_auth.keys.encryption import WrongKeyEncryptionKey
from duet_auth.keys.service import Rotated
from duet_auth.main import create_app, key_services
from duet_common.testing.clock import FrozenClock
from duet_common.tokens.strict_jws import read_unverified
from tests.support.refresh import refresh
from tests.support.running_duet import Duet, auth_settings, running_duet
from tests.support.temporary_databases import migrated_databases
from tests.support.users import RegisteredUser, log_in, register_user

PROPAGATION = timedelta(seconds=30)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def own_duet(postgres_url: str, clock: FrozenClock) -> AsyncIterator[Duet]:
    """Both services on their own databases, because a rotation cannot be undone."""
    async with (
        migrated_databases(postgres_url) as urls,
        running_duet(
            urls,
            clock,
            auth={"key_refresh_seconds": 0.05},
            content={"jwks_refresh_seconds": 0.05, "jwks_cool_down_seconds": 0.01},
        ) as duet,
    ):
        yield duet


@pytest.fixture
async def client(own_duet: Duet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=own_duet.url) as client:
        yield client


async def rotate(own_duet: Duet, clock: FrozenClock) -> str:
    """Rotate the keys as `duet-auth keys rotate` does, and return the kid of the new active key."""
    clock.advance(PROPAGATION)
    runtime = own_duet.auth.runtime
    async with runtime.database.transaction() as session:
        outcome = await key_services(runtime.settings, clock)(session).rotate()
    assert isinstance(outcome, Rotated)
    return outcome.active


def kid_of(access_token: str) -> str:
    return read_unverified(access_token).kid


async def status_of(client: httpx.AsyncClient, path: str, access_token: str) -> int:
    bearer = {"Authorization": f"Bearer {access_token}"}
    return (await client.get(path, headers=bearer)).status_code


async def test_both_services_accept_a_token_signed_before_a_rotation(
    client: httpx.AsyncClient, own_duet: Duet, clock: FrozenClock
) -> None:
    registered_user = await register_user(client)

    active = await rotate(own_duet, clock)
    await own_duet.auth.runtime.ring.refresh()

    assert kid_of(registered_user.access_token) != active
    for path in ("/api/v1/users/me", "/api/v1/profiles/me"):
        assert await status_of(client, path, registered_user.access_token) == 200


async def test_both_services_accept_a_token_signed_after_a_rotation(
    client: httpx.AsyncClient, own_duet: Duet, clock: FrozenClock
) -> None:
    registered_user = await register_user(client)
    active = await rotate(own_duet, clock)
    await own_duet.auth.runtime.ring.refresh()

    access_token = (await log_in(client, registered_user.email)).json()["access_token"]

    assert kid_of(access_token) == active
    for path in ("/api/v1/users/me", "/api/v1/profiles/me"):
        assert await status_of(client, path, access_token) == 200


async def test_a_rotation_changes_the_jwk_set_and_its_etag(
    client: httpx.AsyncClient, own_duet: Duet, clock: FrozenClock
) -> None:
    before = await client.get("/.well-known/jwks.json")
    await rotate(own_duet, clock)
    await own_duet.auth.runtime.ring.refresh()

    after = await client.get(
        "/.well-known/jwks.json", headers={"If-None-Match": before.headers["etag"]}
    )

    assert after.status_code == 200
    assert len(after.json()["keys"]) == 3


async def refresh_and_use(
    client: httpx.AsyncClient, registered_user: RegisteredUser, rounds: int, kids: set[str]
) -> list[int]:
    """Refresh repeatedly, use each access token at both services, and return all status codes."""
    statuses = []
    token = registered_user.refresh_token
    for _ in range(rounds):
        response = await refresh(client, token)
        statuses.append(response.status_code)
        tokens = response.json()
        token = tokens["refresh_token"]
        kids.add(kid_of(tokens["access_token"]))
        statuses += [
            await status_of(client, path, tokens["access_token"])
            for path in ("/api/v1/users/me", "/api/v1/profiles/me", "/api/v1/posts?author=me")
        ]
    return statuses


async def test_no_request_is_refused_while_the_keys_rotate(
    client: httpx.AsyncClient, own_duet: Duet, clock: FrozenClock
) -> None:
    users = [await register_user(client) for _ in range(5)]
    kids: set[str] = set()

    tasks = [
        asyncio.create_task(refresh_and_use(client, registered_user, 10, kids))
        for registered_user in users
    ]
    while not kids:
        await asyncio.wait(tasks, timeout=0.001)
    active = await rotate(own_duet, clock)
    await own_duet.auth.runtime.ring.refresh()
    statuses = [status for task in tasks for status in await task]

    assert statuses == [200] * 200
    assert active in kids
    assert len(kids) == 2


async def test_auth_does_not_start_with_another_key_encryption_key(own_duet: Duet) -> None:
    settings = auth_settings(own_duet.urls.auth, key_encryption_key="A" * 43 + "=")
    app = create_app(settings)

    with pytest.raises(WrongKeyEncryptionKey, match="KEY_ENCRYPTION_KEY"):
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(app.router.lifespan_context(app))
