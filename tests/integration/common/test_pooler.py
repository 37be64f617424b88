"""The database library and the services work through PgBouncer in transaction mode."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from sqlalchemy import func, select, text

from duet_auth.migrations import MIGRATIONS as AUTH_MIGRATIONS
from duet_common.db.database import Database
from duet_common.errors import DatabaseUnavailable
from duet_common.testing.clock import AdjustableClock
from duet_content.migrations import MIGRATIONS as CONTENT_MIGRATIONS
from duet_standalone.databases import DatabaseUrls
from tests.support.note_model import Note
from tests.support.pgbouncer import pgbouncer
from tests.support.running_duet import running_duet
from tests.support.temporary_databases import open_database, temporary_database
from tests.support.users import register_user

_CONNECTIONS = 2
_CLIENTS = 24


@pytest.fixture
async def pooled_url(notes_url: str) -> AsyncIterator[str]:
    async with pgbouncer(notes_url, connections=_CONNECTIONS) as (url,):
        yield url


@pytest.fixture
async def pooled_database(pooled_url: str) -> AsyncIterator[Database]:
    async with open_database(pooled_url, pooler=True, pool_size=_CLIENTS) as database:
        yield database


async def test_many_concurrent_transactions_share_two_server_connections(
    pooled_database: Database,
) -> None:
    async def write_and_read(number: int) -> None:
        for turn in range(5):
            async with pooled_database.transaction() as session:
                session.add(Note(title=f"by {number}: {turn}"))
            sql = "SELECT count(*) FROM notes WHERE title LIKE $1"
            row = await pooled_database.read_only_pool.fetch_row(sql, f"by {number}:%")
            assert row is not None
            assert row[0] == turn + 1

    async with asyncio.TaskGroup() as tasks:
        for number in range(_CLIENTS):
            tasks.create_task(write_and_read(number))
    async with pooled_database.transaction() as session:
        found = await session.scalar(select(func.count()).where(Note.title.like("by %")))
        assert found == 5 * _CLIENTS
        await session.execute(text("DELETE FROM notes"))


async def test_a_database_without_the_pooler_option_is_unavailable(pooled_url: str) -> None:
    """A forgotten DATABASE_POOLER is therefore visible at the first probe, not only under load."""
    async with open_database(pooled_url) as direct:
        with pytest.raises(DatabaseUnavailable):
            await direct.read_only_pool.fetch("SELECT 1")


async def test_the_read_only_pool_refuses_writes(pooled_database: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await pooled_database.read_only_pool.fetch("DELETE FROM notes")


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
async def test_each_transaction_has_statement_and_lock_timeouts(
    pooled_database: Database, setting: str
) -> None:
    assert await pooled_database.read_only_pool.fetch_value(f"SHOW {setting}", str) == "5s"
    async with pooled_database.transaction() as session:
        assert await session.scalar(text(f"SHOW {setting}")) == "5s"


async def test_migrations_and_services_work_through_the_pooler(
    postgres_url: str, clock: AdjustableClock
) -> None:
    pooler = {"database_pooler": True}
    async with (
        temporary_database(postgres_url) as auth,
        temporary_database(postgres_url) as content,
        pgbouncer(auth, content, connections=_CONNECTIONS) as urls,
    ):
        assert await AUTH_MIGRATIONS.upgrade(urls[0])
        assert await CONTENT_MIGRATIONS.upgrade(urls[1])
        async with (
            running_duet(DatabaseUrls(*urls), clock, auth=pooler, content=pooler) as duet,
            httpx.AsyncClient(base_url=duet.url) as client,
        ):
            users = await asyncio.gather(
                *(register_user(client, email=f"{n}@example.com") for n in range(8))
            )
            posted = await asyncio.gather(
                *(
                    client.post(
                        "/api/v1/posts", headers=registered_user.headers, json={"title": "Pooled"}
                    )
                    for registered_user in users
                    for _ in range(3)
                )
            )
            assert {response.status_code for response in posted} == {201}
            read = await asyncio.gather(
                *(
                    client.get(
                        "/api/v1/posts?author=me&status=draft", headers=registered_user.headers
                    )
                    for registered_user in users
                )
            )
            assert [len(response.json()["items"]) for response in read] == [3] * len(users)
