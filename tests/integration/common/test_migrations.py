"""Each service's migrations run in both directions, match the models and can run concurrently."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from alembic import command
from sqlalchemy import Connection, MetaData, inspect, text

from duet_auth.migrations import MIGRATIONS as AUTH
from duet_common.db.migrations import Migrations, WrongDatabase
from duet_content.migrations import MIGRATIONS as CONTENT
from tests.support.temporary_databases import open_database, temporary_database

both_services = pytest.mark.parametrize("migrations", [AUTH, CONTENT], ids=["auth", "content"])
wrong_owners = pytest.mark.parametrize(
    ("migrations", "owner"), [(AUTH, CONTENT), (CONTENT, AUTH)], ids=["auth", "content"]
)
UNNAMED = "0001"
"""The id of both services' first revision, before ids named their service."""


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    async with temporary_database(postgres_url) as url:
        yield url


async def revision_of(url: str) -> str | None:
    async with open_database(url) as database:
        return await database.schema_revision()


async def set_revision(url: str, revision: str) -> None:
    async with open_database(url) as database, database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


async def is_ready(migrations: Migrations, url: str) -> bool:
    async with open_database(url) as database:
        return await migrations.check_schema(database) is None


async def schema_of(url: str) -> dict[str, object]:
    """Return the columns, indexes and foreign keys of each table, by name."""

    def read_schema(connection: Connection) -> dict[str, object]:
        inspector = inspect(connection)
        return {
            table: (
                [(column["name"], str(column["type"])) for column in inspector.get_columns(table)],
                sorted(str(index["name"]) for index in inspector.get_indexes(table)),
                sorted(str(key["name"]) for key in inspector.get_foreign_keys(table)),
            )
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }

    async with open_database(url) as database, database.transaction() as session:
        return await (await session.connection()).run_sync(read_schema)


@both_services
async def test_every_revision_can_be_upgraded_downgraded_and_upgraded_again(
    empty_url: str, migrations: Migrations
) -> None:
    previous = "base"
    for revision in migrations.revisions():
        before = await schema_of(empty_url)
        await migrations.upgrade(empty_url, revision)
        after = await schema_of(empty_url)
        await migrations.downgrade(empty_url, previous)
        assert await schema_of(empty_url) == before
        await migrations.upgrade(empty_url, revision)
        assert await schema_of(empty_url) == after
        assert await revision_of(empty_url) == revision
        previous = revision

    assert previous == migrations.head


@both_services
async def test_the_models_match_the_schema_at_the_head(
    empty_url: str, migrations: Migrations
) -> None:
    """They are compared as `make migration` does, which would have nothing to write."""
    await migrations.upgrade(empty_url)

    await migrations.run_command(empty_url, command.check)


@both_services
def test_revision_ids_name_their_service_and_count_up(migrations: Migrations) -> None:
    count = len(migrations.revisions())

    assert migrations.revisions() == [f"{migrations.service}_{n:04}" for n in range(1, count + 1)]


def test_a_history_is_not_read_before_it_is_used() -> None:
    migrations = Migrations("none", "no_such_package", MetaData())

    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        migrations.revisions()


@both_services
async def test_concurrent_migrations_all_succeed_and_one_runs(
    empty_url: str, migrations: Migrations
) -> None:
    results = await asyncio.gather(*(migrations.upgrade(empty_url) for _ in range(5)))

    assert results.count(True) == 1
    assert await revision_of(empty_url) == migrations.head


@both_services
async def test_an_upgrade_at_the_head_does_nothing(empty_url: str, migrations: Migrations) -> None:
    assert await migrations.upgrade(empty_url) is True
    assert await migrations.upgrade(empty_url) is False


@both_services
async def test_an_upgrade_does_not_change_a_later_schema(
    empty_url: str, migrations: Migrations
) -> None:
    """After a rollback, the older release runs its migrations on the schema of the newer one."""
    later = f"{migrations.service}_9999"
    await migrations.upgrade(empty_url)
    await set_revision(empty_url, later)

    assert await migrations.upgrade(empty_url) is False
    assert await revision_of(empty_url) == later


@both_services
async def test_a_database_at_0001_gets_the_revision_id_of_its_service(
    empty_url: str, migrations: Migrations
) -> None:
    first = migrations.revisions()[0]
    await migrations.upgrade(empty_url, first)
    before = await schema_of(empty_url)
    await set_revision(empty_url, UNNAMED)

    assert await migrations.upgrade(empty_url, first) is True

    assert await revision_of(empty_url) == first
    assert await schema_of(empty_url) == before


@both_services
async def test_concurrent_migrations_from_0001_all_succeed_and_one_runs(
    empty_url: str, migrations: Migrations
) -> None:
    await migrations.upgrade(empty_url, migrations.revisions()[0])
    await set_revision(empty_url, UNNAMED)

    results = await asyncio.gather(*(migrations.upgrade(empty_url) for _ in range(5)))

    assert results.count(True) == 1
    assert await revision_of(empty_url) == migrations.head


@both_services
async def test_a_service_is_as_ready_at_0001_as_at_its_first_revision(
    empty_url: str, migrations: Migrations
) -> None:
    """No pod becomes unready between the start of a release and the end of its migration."""
    first = migrations.revisions()[0]
    await migrations.upgrade(empty_url, first)
    ready_at_first = await is_ready(migrations, empty_url)
    await set_revision(empty_url, UNNAMED)

    assert await is_ready(migrations, empty_url) is ready_at_first
    assert ready_at_first is (first == migrations.head)


@wrong_owners
@pytest.mark.parametrize("stored", ["first", "head", "later", UNNAMED])
async def test_the_database_of_another_service_is_refused_and_not_changed(
    empty_url: str, migrations: Migrations, owner: Migrations, stored: str
) -> None:
    await owner.upgrade(empty_url, owner.head if stored == "head" else owner.revisions()[0])
    if stored in ("later", UNNAMED):
        revision = f"{owner.service}_9999" if stored == "later" else UNNAMED
        await set_revision(empty_url, revision)
    before = await schema_of(empty_url), await revision_of(empty_url)

    setting = f"{migrations.service.upper()}_DATABASE_URL"
    with pytest.raises(WrongDatabase, match=f"belongs to {owner.service} .* Check {setting}"):
        await migrations.upgrade(empty_url)

    assert (await schema_of(empty_url), await revision_of(empty_url)) == before
    assert not await is_ready(migrations, empty_url)


async def test_an_empty_database_goes_to_one_of_two_services_that_migrate_it_at_once(
    empty_url: str,
) -> None:
    outcomes = await asyncio.gather(
        AUTH.upgrade(empty_url), CONTENT.upgrade(empty_url), return_exceptions=True
    )

    assert {type(outcome) for outcome in outcomes} == {WrongDatabase, bool}


@both_services
@pytest.mark.parametrize("unknown", ["9999", "0002", "newer", UNNAMED])
async def test_a_revision_that_names_no_service_is_refused(
    empty_url: str, migrations: Migrations, unknown: str
) -> None:
    """No release of any service stores such an id, except 0001 with the tables of that release."""
    await migrations.upgrade(empty_url)
    if unknown == UNNAMED:
        await migrations.downgrade(empty_url, "base")
        async with open_database(empty_url) as database, database.transaction() as session:
            await session.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
    else:
        await set_revision(empty_url, unknown)

    with pytest.raises(WrongDatabase, match=f"belongs to another application .*{unknown}"):
        await migrations.upgrade(empty_url)

    assert await revision_of(empty_url) == unknown
    assert not await is_ready(migrations, empty_url)


async def test_an_upgrade_at_the_head_waits_for_no_lock(empty_url: str) -> None:
    """A replica at its head does not wait for the migration of a later release."""
    await AUTH.upgrade(empty_url)
    async with open_database(empty_url) as database, database.transaction() as session:
        await session.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        assert await AUTH.upgrade(empty_url) is False


async def test_a_failed_migration_is_rolled_back(empty_url: str) -> None:
    async with open_database(empty_url) as database, database.transaction() as session:
        await session.execute(text("CREATE TABLE sessions (id int)"))
    before = await schema_of(empty_url)

    with pytest.raises(Exception, match="sessions"):
        await AUTH.upgrade(empty_url)

    assert await schema_of(empty_url) == before
    assert await revision_of(empty_url) is None


@both_services
@pytest.mark.parametrize(
    ("stored", "serves"), [("head", True), ("newer", True), ("below", False), ("none", False)]
)
async def test_the_schema_is_accepted_at_the_head_or_later(
    empty_url: str, migrations: Migrations, stored: str, serves: bool
) -> None:
    async with open_database(empty_url) as database:
        if stored != "none":
            await migrations.upgrade(empty_url)
        if stored == "below":
            await migrations.downgrade(empty_url, "-1")
        if stored == "newer":
            await set_revision(empty_url, f"{migrations.service}_9999")

        assert (await migrations.check_schema(database) is None) is serves


@pytest.mark.parametrize(
    ("code", "message"),
    [(socket.EAI_NONAME, "Nothing to do yet"), (socket.EAI_AGAIN, "not available")],
)
async def test_only_an_unknown_host_can_be_skipped(
    monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    """A resolver that does not respond is retried, as an unavailable database is."""

    async def fail_to_resolve(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(code, "name resolution failed")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail_to_resolve)
    url = "postgresql://duet:secret@duet-postgres/duet"
    try:
        outcome = await CONTENT.run(url, 0.2, skip_unknown_host=True)
    except TimeoutError as error:
        outcome = str(error)
    assert message in outcome
    assert "secret" not in outcome
