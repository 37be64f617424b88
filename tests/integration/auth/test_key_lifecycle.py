"""The lifecycle of a signing key: it is published, signs, is retired and is deleted."""

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
from tests.support.temporary_databases import open_database, temporary_database

PROPAGATION = timedelta(seconds=30)
RETENTION = timedelta(minutes=10, seconds=20)
MICROSECOND = timedelta(microseconds=1)
KEY = bytes(range(32))

KeyServiceFactory = Callable[[AsyncSession], KeyService]


@pytest.fixture(scope="module")
async def module_database(postgres_url: str) -> AsyncIterator[Database]:
    async with temporary_database(postgres_url) as url:
        await MIGRATIONS.upgrade(url)
        async with open_database(url) as database:
            yield database


@pytest.fixture
async def database(module_database: Database) -> AsyncIterator[Database]:
    """A migrated auth database without signing keys."""
    yield module_database
    async with module_database.transaction() as session:
        await session.execute(delete(SigningKeyRow))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def key_service(clock: FrozenClock) -> KeyServiceFactory:
    policy = KeyPolicy("ES256", PROPAGATION, RETENTION)
    return lambda session: KeyService(session, KeyEncryption(KEY), policy, clock)


async def rotate(
    database: Database, key_service: KeyServiceFactory, *, force: bool = False
) -> Rotated | NotPropagated:
    async with database.transaction() as session:
        return await key_service(session).rotate(force=force)


async def rotate_after_propagation(
    database: Database, key_service: KeyServiceFactory, clock: FrozenClock
) -> Rotated:
    """Advance the clock until the next key has propagated, then rotate."""
    clock.advance(PROPAGATION)
    outcome = await rotate(database, key_service)
    assert isinstance(outcome, Rotated)
    return outcome


async def load_kids(database: Database, key_service: KeyServiceFactory) -> tuple[str, set[str]]:
    """Return the kid of the active key and the kids of all published keys."""
    async with database.transaction() as session:
        loaded = await key_service(session).load()
    return loaded.active.kid, set(loaded.published)


@pytest.fixture
async def first_kid(database: Database, key_service: KeyServiceFactory) -> str:
    """Create the first keys and return the kid of the active one."""
    async with database.transaction() as session:
        await key_service(session).ensure()
        return (await key_service(session).load()).active.kid


async def test_loading_without_any_key_raises_an_error(
    database: Database, key_service: KeyServiceFactory
) -> None:
    with pytest.raises(NoSigningKey):
        await load_kids(database, key_service)


async def test_the_first_start_creates_an_active_and_a_next_key(
    database: Database, key_service: KeyServiceFactory, first_kid: str
) -> None:
    active, kids = await load_kids(database, key_service)

    assert active == first_kid
    assert len(kids) == 2


async def test_a_second_start_creates_no_keys(
    database: Database, key_service: KeyServiceFactory, first_kid: str
) -> None:
    before = await load_kids(database, key_service)

    async with database.transaction() as session:
        await key_service(session).ensure()

    assert await load_kids(database, key_service) == before


async def test_replicas_that_start_concurrently_create_the_keys_once(
    database: Database, key_service: KeyServiceFactory
) -> None:
    async def ensure() -> None:
        async with database.transaction() as session:
            await key_service(session).ensure()

    await asyncio.gather(*(ensure() for _ in range(5)))

    async with database.transaction() as session:
        assert len(await key_service(session).list()) == 2


async def test_a_key_does_not_sign_before_it_has_propagated(
    database: Database, key_service: KeyServiceFactory, clock: FrozenClock, first_kid: str
) -> None:
    before = await load_kids(database, key_service)
    clock.advance(PROPAGATION - MICROSECOND)

    assert await rotate(database, key_service) == NotPropagated(MICROSECOND)
    assert await load_kids(database, key_service) == before


async def test_rotation_activates_the_next_key_and_publishes_a_new_one(
    database: Database, key_service: KeyServiceFactory, clock: FrozenClock, first_kid: str
) -> None:
    _, before = await load_kids(database, key_service)

    outcome = await rotate_after_propagation(database, key_service, clock)

    active, after = await load_kids(database, key_service)
    assert {active} == {outcome.active} == before - {first_kid}
    assert after == {first_kid, outcome.active, outcome.next}


async def test_a_forced_rotation_does_not_wait_for_propagation(
    database: Database, key_service: KeyServiceFactory, first_kid: str
) -> None:
    outcome = await rotate(database, key_service, force=True)

    assert isinstance(outcome, Rotated)
    assert (await load_kids(database, key_service))[0] == outcome.active != first_kid


async def test_a_retired_key_is_published_for_the_retention_period(
    database: Database, key_service: KeyServiceFactory, clock: FrozenClock, first_kid: str
) -> None:
    await rotate_after_propagation(database, key_service, clock)
    clock.advance(RETENTION)
    _, at_the_end = await load_kids(database, key_service)
    clock.advance(MICROSECOND)
    _, after = await load_kids(database, key_service)

    assert first_kid in at_the_end
    assert first_kid not in after


async def test_a_rotation_deletes_keys_past_their_retention_period(
    database: Database, key_service: KeyServiceFactory, clock: FrozenClock, first_kid: str
) -> None:
    second = (await rotate_after_propagation(database, key_service, clock)).active
    clock.advance(RETENTION)
    await rotate_after_propagation(database, key_service, clock)

    async with database.transaction() as session:
        kids = {row.kid for row in await key_service(session).list()}
    assert first_kid not in kids
    assert second in kids


async def test_two_concurrent_rotations_rotate_once(
    database: Database, key_service: KeyServiceFactory, clock: FrozenClock, first_kid: str
) -> None:
    clock.advance(PROPAGATION)

    outcomes = await asyncio.gather(*(rotate(database, key_service) for _ in range(2)))

    assert {type(outcome) for outcome in outcomes} == {Rotated, NotPropagated}
    assert len((await load_kids(database, key_service))[1]) == 3


async def test_two_concurrent_forced_rotations_run_one_after_the_other(
    database: Database, key_service: KeyServiceFactory, first_kid: str
) -> None:
    outcomes = await asyncio.gather(*(rotate(database, key_service, force=True) for _ in range(2)))

    actives = [outcome.active for outcome in outcomes if isinstance(outcome, Rotated)]
    assert len(set(actives)) == 2
    assert (await load_kids(database, key_service))[0] in actives


async def test_the_database_refuses_two_active_keys(
    database: Database, key_service: KeyServiceFactory, first_kid: str, clock: FrozenClock
) -> None:
    with pytest.raises(IntegrityError, match="uq_signing_keys_active"):
        async with database.transaction() as session:
            await session.execute(update(SigningKeyRow).values(activated_at=clock()))


async def test_only_the_key_encryption_key_decrypts_private_keys(
    database: Database, key_service: KeyServiceFactory, clock: FrozenClock, first_kid: str
) -> None:
    policy = KeyPolicy("ES256", PROPAGATION, RETENTION)
    async with database.transaction() as session:
        row = await session.get_one(SigningKeyRow, first_kid)
        pem = KeyEncryption(KEY).decrypt(row.encrypted_private_key, first_kid)
        other = KeyService(session, KeyEncryption(bytes(32)), policy, clock)
        with pytest.raises(WrongKeyEncryptionKey, match=first_kid):
            await other.load()

    assert SigningKey.from_pem(pem, "ES256").kid == first_kid
    assert pem not in row.encrypted_private_key


async def test_a_private_key_cannot_be_decrypted_for_another_kid(
    database: Database, key_service: KeyServiceFactory, first_kid: str
) -> None:
    """The ciphertext is bound to its `kid`, so that it cannot be moved to another row."""
    async with database.transaction() as session:
        rows = (await session.scalars(select(SigningKeyRow))).all()
        other = next(row for row in rows if row.kid != first_kid)
        with pytest.raises(WrongKeyEncryptionKey):
            KeyEncryption(KEY).decrypt(other.encrypted_private_key, first_kid)


async def test_a_change_of_algorithm_applies_to_new_keys_and_keeps_old_ones(
    database: Database, key_service: KeyServiceFactory, clock: FrozenClock, first_kid: str
) -> None:
    policy = KeyPolicy("RS256", PROPAGATION, RETENTION)

    def rsa(session: AsyncSession) -> KeyService:
        return KeyService(session, KeyEncryption(KEY), policy, clock)

    await rotate_after_propagation(database, rsa, clock)
    await rotate_after_propagation(database, rsa, clock)

    async with database.transaction() as session:
        loaded = await rsa(session).load()
    assert loaded.active.algorithm == "RS256"
    assert {key.algorithm for key in loaded.published.values()} == {"ES256", "RS256"}
