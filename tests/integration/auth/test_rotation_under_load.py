"""Keys rotate while both services are used, and no request is refused for it."""

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
from tests.support.temporary_databases import scratch_pair
from tests.support.users import RegisteredUser, log_in, register_user

PROPAGATION = timedelta(seconds=30)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def pair(postgres_url: str, clock: FrozenClock) -> AsyncIterator[Duet]:
    """A pair of this test's own, because a rotation cannot be undone."""
    async with (
        scratch_pair(postgres_url) as urls,
        running_duet(
            urls,
            clock,
            auth={"key_refresh_seconds": 0.05},
            content={"jwks_refresh_seconds": 0.05, "jwks_cool_down_seconds": 0.01},
        ) as duet,
    ):
        yield duet


@pytest.fixture
async def client(pair: Duet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=pair.url) as client:
        yield client


async def rotate(pair: Duet, clock: FrozenClock) -> str:
    """Rotate as `duet-auth keys rotate` does, beside the service; the kid that signs from then."""
    clock.advance(PROPAGATION)
    runtime = pair.auth.runtime
    async with runtime.database.transaction() as session:
        outcome = await key_services(runtime.settings, clock)(session).rotate()
    assert isinstance(outcome, Rotated)
    return outcome.active


def kid(access_token: str) -> str:
    return read_unverified(access_token).kid


async def status_of(client: httpx.AsyncClient, path: str, access_token: str) -> int:
    bearer = {"Authorization": f"Bearer {access_token}"}
    return (await client.get(path, headers=bearer)).status_code


async def test_a_token_signed_before_a_rotation_is_accepted_by_both_after_it(
    client: httpx.AsyncClient, pair: Duet, clock: FrozenClock
) -> None:
    registered_user = await register_user(client)

    active = await rotate(pair, clock)
    await pair.auth.runtime.ring.refresh()

    assert kid(registered_user.access_token) != active
    for path in ("/api/v1/users/me", "/api/v1/profiles/me"):
        assert await status_of(client, path, registered_user.access_token) == 200


async def test_a_token_signed_after_a_rotation_is_accepted_by_both(
    client: httpx.AsyncClient, pair: Duet, clock: FrozenClock
) -> None:
    registered_user = await register_user(client)
    active = await rotate(pair, clock)
    await pair.auth.runtime.ring.refresh()

    access_token = (await log_in(client, registered_user.email)).json()["access_token"]

    assert kid(access_token) == active
    for path in ("/api/v1/users/me", "/api/v1/profiles/me"):
        assert await status_of(client, path, access_token) == 200


async def test_a_rotation_changes_the_published_document_and_its_tag(
    client: httpx.AsyncClient, pair: Duet, clock: FrozenClock
) -> None:
    before = await client.get("/.well-known/jwks.json")
    await rotate(pair, clock)
    await pair.auth.runtime.ring.refresh()

    after = await client.get(
        "/.well-known/jwks.json", headers={"If-None-Match": before.headers["etag"]}
    )

    assert after.status_code == 200
    assert len(after.json()["keys"]) == 3


async def use(
    client: httpx.AsyncClient, registered_user: RegisteredUser, rounds: int, kids: set[str]
) -> list[int]:
    """Refresh and use each new token at both services; the status of every answer."""
    statuses = []
    token = registered_user.refresh_token
    for _ in range(rounds):
        answer = await refresh(client, token)
        statuses.append(answer.status_code)
        tokens = answer.json()
        token = tokens["refresh_token"]
        kids.add(kid(tokens["access_token"]))
        statuses += [
            await status_of(client, path, tokens["access_token"])
            for path in ("/api/v1/users/me", "/api/v1/profiles/me", "/api/v1/posts?author=me")
        ]
    return statuses


async def test_no_request_is_refused_while_the_keys_rotate(
    client: httpx.AsyncClient, pair: Duet, clock: FrozenClock
) -> None:
    people = [await register_user(client) for _ in range(5)]
    kids: set[str] = set()

    using = [
        asyncio.create_task(use(client, registered_user, 10, kids)) for registered_user in people
    ]
    while not kids:
        await asyncio.wait(using, timeout=0.001)
    active = await rotate(pair, clock)
    await pair.auth.runtime.ring.refresh()
    statuses = [status for task in using for status in await task]

    assert statuses == [200] * 200
    assert active in kids
    assert len(kids) == 2


async def test_another_key_encryption_key_does_not_start(pair: Duet) -> None:
    settings = auth_settings(pair.urls.auth, key_encryption_key="A" * 43 + "=")
    app = create_app(settings)

    with pytest.raises(WrongKeyEncryptionKey, match="KEY_ENCRYPTION_KEY"):
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(app.router.lifespan_context(app))
