"""The life of a signing key, on a database of its own: published, signing, retired, gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.keys.encryption import KeyEncryption, WrongKeyEncryptionKey
from duet_auth.keys.errors import NoSigningKey
from duet_auth.keys.models import SigningKeyRow
from duet_auth.keys.service import KeyPolicy, KeyService, NotPropagated, Rotated
from duet_auth.migrations import MIGRATIONS
from duet_common.db.database import Database
from duet_common.testing.clock import FrozenClock
from duet_common.tokens.signing import SigningKey
from tests.support.temporary_databases import opened, scratch_database

PROPAGATION = timedelta(seconds=30)
RETENTION = timedelta(minutes=10, seconds=20)
JUST = timedelta(microseconds=1)
KEY = bytes(range(32))

Services = Callable[[AsyncSession], KeyService]


@pytest.fixture(scope="module")
async def migrated(postgres_url: str) -> AsyncIterator[Database]:
    async with scratch_database(postgres_url) as url:
        await MIGRATIONS.upgrade(url)
        async with opened(url) as database:
            yield database


@pytest.fixture
async def database(migrated: Database) -> AsyncIterator[Database]:
    """auth's database, with no key in it."""
    yield migrated
    async with migrated.transaction() as session:
        await session.execute(delete(SigningKeyRow))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def services(clock: FrozenClock) -> Services:
    policy = KeyPolicy("ES256", PROPAGATION, RETENTION)
    return lambda session: KeyService(session, KeyEncryption(KEY), policy, clock)


async def rotate(
    database: Database, services: Services, *, force: bool = False
) -> Rotated | NotPropagated:
    async with database.transaction() as session:
        return await services(session).rotate(force=force)


async def rotated(database: Database, services: Services, clock: FrozenClock) -> Rotated:
    """A rotation after the next key has been published for long enough."""
    clock.advance(PROPAGATION)
    outcome = await rotate(database, services)
    assert isinstance(outcome, Rotated)
    return outcome


async def published(database: Database, services: Services) -> tuple[str, set[str]]:
    """The kid that signs, and all that are published."""
    async with database.transaction() as session:
        loaded = await services(session).load()
    return loaded.active.kid, set(loaded.published)


@pytest.fixture
async def first(database: Database, services: Services) -> str:
    """The kid of the first active key."""
    async with database.transaction() as session:
        await services(session).ensure()
        return (await services(session).load()).active.kid


async def test_before_the_first_key_there_is_none(database: Database, services: Services) -> None:
    with pytest.raises(NoSigningKey):
        await published(database, services)


async def test_the_first_start_makes_an_active_and_a_next_key(
    database: Database, services: Services, first: str
) -> None:
    active, kids = await published(database, services)

    assert active == first
    assert len(kids) == 2


async def test_what_exists_is_not_made_again(
    database: Database, services: Services, first: str
) -> None:
    before = await published(database, services)

    async with database.transaction() as session:
        await services(session).ensure()

    assert await published(database, services) == before


async def test_replicas_that_start_at_once_make_the_keys_once(
    database: Database, services: Services
) -> None:
    async def ensure() -> None:
        async with database.transaction() as session:
            await services(session).ensure()

    await asyncio.gather(*(ensure() for _ in range(5)))

    async with database.transaction() as session:
        assert len(await services(session).list()) == 2


async def test_a_key_does_not_sign_before_it_has_propagated(
    database: Database, services: Services, clock: FrozenClock, first: str
) -> None:
    before = await published(database, services)
    clock.advance(PROPAGATION - JUST)

    assert await rotate(database, services) == NotPropagated(JUST)
    assert await published(database, services) == before


async def test_a_propagated_key_signs_and_a_new_one_is_published(
    database: Database, services: Services, clock: FrozenClock, first: str
) -> None:
    _, before = await published(database, services)

    outcome = await rotated(database, services, clock)

    active, after = await published(database, services)
    assert {active} == {outcome.active} == before - {first}
    assert after == {first, outcome.active, outcome.next}


async def test_force_does_not_wait(database: Database, services: Services, first: str) -> None:
    outcome = await rotate(database, services, force=True)

    assert isinstance(outcome, Rotated)
    assert (await published(database, services))[0] == outcome.active != first


async def test_a_retired_key_is_published_until_its_last_token_has_expired(
    database: Database, services: Services, clock: FrozenClock, first: str
) -> None:
    await rotated(database, services, clock)
    clock.advance(RETENTION)
    _, at_the_end = await published(database, services)
    clock.advance(JUST)
    _, after = await published(database, services)

    assert first in at_the_end
    assert first not in after


async def test_a_rotation_deletes_what_is_no_longer_published(
    database: Database, services: Services, clock: FrozenClock, first: str
) -> None:
    second = (await rotated(database, services, clock)).active
    clock.advance(RETENTION)
    await rotated(database, services, clock)

    async with database.transaction() as session:
        kids = {row.kid for row in await services(session).list()}
    assert first not in kids
    assert second in kids


async def test_two_rotators_at_once_rotate_once(
    database: Database, services: Services, clock: FrozenClock, first: str
) -> None:
    clock.advance(PROPAGATION)

    outcomes = await asyncio.gather(*(rotate(database, services) for _ in range(2)))

    assert {type(outcome) for outcome in outcomes} == {Rotated, NotPropagated}
    assert len((await published(database, services))[1]) == 3


async def test_two_forced_rotators_go_one_after_the_other(
    database: Database, services: Services, first: str
) -> None:
    outcomes = await asyncio.gather(*(rotate(database, services, force=True) for _ in range(2)))

    actives = [outcome.active for outcome in outcomes if isinstance(outcome, Rotated)]
    assert len(set(actives)) == 2
    assert (await published(database, services))[0] in actives


async def test_the_database_holds_no_two_active_keys(
    database: Database, services: Services, first: str, clock: FrozenClock
) -> None:
    with pytest.raises(IntegrityError, match="uq_signing_keys_active"):
        async with database.transaction() as session:
            await session.execute(update(SigningKeyRow).values(activated_at=clock()))


async def test_only_the_right_key_decrypts_them(
    database: Database, services: Services, clock: FrozenClock, first: str
) -> None:
    policy = KeyPolicy("ES256", PROPAGATION, RETENTION)
    async with database.transaction() as session:
        row = await session.get_one(SigningKeyRow, first)
        pem = KeyEncryption(KEY).decrypt(row.encrypted_private_key, first)
        other = KeyService(session, KeyEncryption(bytes(32)), policy, clock)
        with pytest.raises(WrongKeyEncryptionKey, match=first):
            await other.load()

    assert SigningKey.from_pem(pem, "ES256").kid == first
    assert pem not in row.encrypted_private_key


async def test_a_private_key_under_another_name_is_not_decrypted(
    database: Database, services: Services, first: str
) -> None:
    """The ciphertext is bound to its `kid`: a row cannot be given another's key."""
    async with database.transaction() as session:
        rows = (await session.scalars(select(SigningKeyRow))).all()
        other = next(row for row in rows if row.kid != first)
        with pytest.raises(WrongKeyEncryptionKey):
            KeyEncryption(KEY).decrypt(other.encrypted_private_key, first)


async def test_new_keys_may_be_rsa_while_the_old_ones_stay(
    database: Database, services: Services, clock: FrozenClock, first: str
) -> None:
    policy = KeyPolicy("RS256", PROPAGATION, RETENTION)

    def rsa(session: AsyncSession) -> KeyService:
        return KeyService(session, KeyEncryption(KEY), policy, clock)

    await rotated(database, rsa, clock)
    await rotated(database, rsa, clock)

    async with database.transaction() as session:
        loaded = await rsa(session).load()
    assert loaded.active.algorithm == "RS256"
    assert {key.algorithm for key in loaded.published.values()} == {"ES256", "RS256"}
