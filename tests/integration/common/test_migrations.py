"""Each service's Alembic history: every step both ways, the models at its head, safe to race."""

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
from tests.support.temporary_databases import opened, scratch_database

BOTH = pytest.mark.parametrize("migrations", [AUTH, CONTENT], ids=["auth", "content"])


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    async with scratch_database(postgres_url) as url:
        yield url


async def revision_of(url: str) -> str | None:
    async with opened(url) as database:
        return await database.schema_revision()


async def schema_of(url: str) -> dict[str, object]:
    """Tables, columns, indexes and constraints, by name."""

    def look(connection: Connection) -> dict[str, object]:
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

    async with opened(url) as database, database.transaction() as session:
        return await (await session.connection()).run_sync(look)


@BOTH
async def test_every_revision_goes_up_down_and_up_again(
    empty_url: str, migrations: Migrations
) -> None:
    below = "base"
    for revision in migrations.revisions():
        before = await schema_of(empty_url)
        await migrations.upgrade(empty_url, revision)
        after = await schema_of(empty_url)
        await migrations.downgrade(empty_url, below)
        assert await schema_of(empty_url) == before
        await migrations.upgrade(empty_url, revision)
        assert await schema_of(empty_url) == after
        assert await revision_of(empty_url) == revision
        below = revision

    assert below == migrations.head


@pytest.mark.parametrize(
    ("migrations", "metadata"),
    [(AUTH, AUTH_METADATA), (CONTENT, CONTENT_METADATA)],
    ids=["auth", "content"],
)
async def test_the_models_are_what_the_head_makes(
    empty_url: str, migrations: Migrations, metadata: MetaData
) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    await migrations.upgrade(empty_url)

    async with opened(empty_url) as database, database.transaction() as session:
        assert await (await session.connection()).run_sync(differences) == []


@BOTH
async def test_replicas_that_migrate_at_once_all_succeed(
    empty_url: str, migrations: Migrations
) -> None:
    ran = await asyncio.gather(*(migrations.upgrade(empty_url) for _ in range(5)))

    assert ran.count(True) == 1
    assert await revision_of(empty_url) == migrations.head


@BOTH
async def test_at_the_head_there_is_nothing_to_do(empty_url: str, migrations: Migrations) -> None:
    assert await migrations.upgrade(empty_url) is True
    assert await migrations.upgrade(empty_url) is False


@BOTH
async def test_a_later_schema_is_left_as_it_is(empty_url: str, migrations: Migrations) -> None:
    """A release that was rolled back runs its migration again, on the schema of its successor."""
    await migrations.upgrade(empty_url)
    async with opened(empty_url) as database:
        async with database.transaction() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

        assert await migrations.upgrade(empty_url) is False
        assert await database.schema_revision() == "9999"


async def test_at_the_head_nothing_is_locked(empty_url: str) -> None:
    """A replica that starts while another migrates a later release does not wait for it."""
    await AUTH.upgrade(empty_url)
    async with opened(empty_url) as database, database.transaction() as session:
        await session.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        assert await AUTH.upgrade(empty_url) is False


async def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    async with opened(empty_url) as database, database.transaction() as session:
        await session.execute(text("CREATE TABLE sessions (id int)"))
    before = await schema_of(empty_url)

    with pytest.raises(Exception, match="sessions"):
        await AUTH.upgrade(empty_url)

    assert await schema_of(empty_url) == before
    assert await revision_of(empty_url) is None


@BOTH
@pytest.mark.parametrize(
    ("stored", "serves"), [("head", True), ("newer", True), ("below", False), ("none", False)]
)
async def test_a_service_serves_at_its_head_or_later(
    empty_url: str, migrations: Migrations, stored: str, serves: bool
) -> None:
    async with opened(empty_url) as database:
        if stored != "none":
            await migrations.upgrade(empty_url)
        if stored == "below":
            await migrations.downgrade(empty_url, "-1")
        if stored == "newer":
            async with database.transaction() as session:
                await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

        assert await migrations.is_at_head_or_later(database) is serves


@pytest.mark.parametrize(
    ("code", "said"), [(socket.EAI_NONAME, "nothing to do yet"), (socket.EAI_AGAIN, "no database")]
)
async def test_only_a_host_without_an_address_may_be_left_alone(
    monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    """A resolver that does not answer is waited for, as a database that does not is."""

    async def unresolved(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(code, "as a resolver says it")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unresolved)
    url = "postgresql://duet:secret@duet-postgres/duet"
    try:
        outcome = await CONTENT.run(url, 0.2, skip_unknown_host=True)
    except TimeoutError as error:
        outcome = str(error)
    assert said in outcome
    assert "secret" not in outcome
