"""Each service's migrations run in both directions, match the models and can run concurrently."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text

from duet_auth.migrations import MIGRATIONS as AUTH
from duet_auth.tables import METADATA as AUTH_METADATA
from duet_common.db.migrations import Migrations
from duet_content.migrations import MIGRATIONS as CONTENT
from duet_content.tables import METADATA as CONTENT_METADATA
from tests.support.temporary_databases import open_database, temporary_database

both_services = pytest.mark.parametrize("migrations", [AUTH, CONTENT], ids=["auth", "content"])


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    async with temporary_database(postgres_url) as url:
        yield url


async def revision_of(url: str) -> str | None:
    async with open_database(url) as database:
        return await database.schema_revision()


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


@pytest.mark.parametrize(
    ("migrations", "metadata"),
    [(AUTH, AUTH_METADATA), (CONTENT, CONTENT_METADATA)],
    ids=["auth", "content"],
)
async def test_the_models_match_the_schema_at_the_head(
    empty_url: str, migrations: Migrations, metadata: MetaData
) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    await migrations.upgrade(empty_url)

    async with open_database(empty_url) as database, database.transaction() as session:
        assert await (await session.connection()).run_sync(differences) == []


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
    await migrations.upgrade(empty_url)
    async with open_database(empty_url) as database:
        async with database.transaction() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

        assert await migrations.upgrade(empty_url) is False
        assert await database.schema_revision() == "9999"


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
            async with database.transaction() as session:
                await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

        assert await migrations.is_at_head_or_later(database) is serves


@pytest.mark.parametrize(
    ("code", "message"),
    [(socket.EAI_NONAME, "nothing to do yet"), (socket.EAI_AGAIN, "no database")],
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
