"""A transaction is committed or rolled back as a whole, before the response is sent."""

import asyncio
import uuid
from contextlib import AsyncExitStack

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.db.constraints import constraint_errors
from duet_common.db.database import Database
from duet_common.errors import Conflict, DatabaseUnavailable, NotFound
from tests.support.note_model import Note, NoteRepository
from tests.support.running_duet import Duet
from tests.support.temporary_databases import open_database


class TitleTaken(Conflict):
    code = "title_taken"


async def count_notes(database: Database) -> int:
    async with database.transaction() as session:
        return await NoteRepository(session).count()


async def test_a_block_that_succeeds_is_committed(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Note(title="a note"))

    assert await count_notes(database) == 1


@pytest.mark.parametrize("error", [ValueError, NotFound, asyncio.CancelledError])
async def test_a_block_that_raises_is_rolled_back(
    database: Database, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        await insert_and_raise(database, error)

    assert await count_notes(database) == 0


async def insert_and_raise(database: Database, error: type[BaseException]) -> None:
    async with database.transaction() as session:
        await NoteRepository(session).create(Note(title="a note"))
        raise error


async def test_rows_stay_readable_after_the_commit(database: Database) -> None:
    async with database.transaction() as session:
        note = await NoteRepository(session).create(Note(title="a note"))

    assert note.title == "a note"


async def test_a_mapped_constraint_raises_its_error(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Note(title="a note"))

    with pytest.raises(TitleTaken):
        await insert_again(database, {"uq_notes_title": TitleTaken})


async def test_an_unmapped_constraint_raises_an_integrity_error(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Note(title="a note"))

    with pytest.raises(IntegrityError, match="uq_notes_title"):
        await insert_again(database, {"pk_notes": TitleTaken})


async def insert_again(database: Database, errors: dict[str, type[Conflict]]) -> None:
    async with database.transaction() as session, constraint_errors(errors):
        await NoteRepository(session).create(Note(title="a note"))


async def sleep(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_sleep(10)"))


async def test_a_slow_statement_raises_database_unavailable(notes_url: str) -> None:
    async with open_database(notes_url, seconds=0.3) as database:
        with pytest.raises(DatabaseUnavailable):
            async with database.transaction() as session:
                await sleep(session)
        with pytest.raises(DatabaseUnavailable):
            await database.read_only_pool.fetch("SELECT pg_sleep(10)")


async def test_a_lock_timeout_raises_database_unavailable(
    database: Database, notes_url: str
) -> None:
    async with (
        open_database(notes_url, seconds=0.3) as impatient_database,
        database.transaction() as holder,
    ):
        await holder.execute(text("LOCK TABLE notes"))
        with pytest.raises(DatabaseUnavailable):
            async with impatient_database.transaction() as session:
                session.add(Note(title="a note"))


async def test_an_exhausted_pool_raises_database_unavailable(notes_url: str) -> None:
    async with open_database(notes_url, seconds=0.5) as database, AsyncExitStack() as stack:
        for _ in range(2):
            session = await stack.enter_async_context(database.transaction())
            await session.execute(text("SELECT 1"))
        with pytest.raises(DatabaseUnavailable):
            async with database.transaction() as session:
                await session.execute(text("SELECT 1"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody@127.0.0.1:1/nothing",
        "postgresql://nobody@/nothing?host=/nonexistent",
        "postgresql://nobody@unknown.invalid/nothing",
    ],
    ids=["refused", "no-socket", "no-host"],
)
async def test_an_unreachable_database_raises_database_unavailable(url: str) -> None:
    async with open_database(url) as database:
        await assert_unavailable(database)


@pytest.mark.parametrize("wrong", [{"database": "gone"}, {"username": "nobody"}], ids=str)
async def test_a_refused_connection_raises_database_unavailable(
    notes_url: str, wrong: dict[str, str]
) -> None:
    url = make_url(notes_url).set(**wrong)  # type: ignore[arg-type]  # the field varies
    async with open_database(url.render_as_string(hide_password=False)) as database:
        await assert_unavailable(database)


async def assert_unavailable(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
    with pytest.raises(DatabaseUnavailable):
        await database.read_only_pool.fetch("SELECT 1")
    assert raised.value.headers == {"Retry-After": "1"}


async def test_a_wrong_statement_does_not_raise_database_unavailable(database: Database) -> None:
    with pytest.raises(ProgrammingError):
        async with database.transaction() as session:
            await session.execute(text("SELECT nonsense"))
    with pytest.raises(asyncpg.UndefinedColumnError):
        await database.read_only_pool.fetch("SELECT nonsense")


async def test_a_change_is_committed_before_the_response_is_sent(
    authenticated_client: httpx.AsyncClient, duet: Duet
) -> None:
    async with asyncpg.create_pool(duet.urls.content, min_size=0, max_size=10) as pool:

        async def post(number: int) -> bool:
            response = await authenticated_client.post(
                "/api/v1/posts", json={"title": f"Post {number}", "content": "Words."}
            )
            found = "SELECT 1 FROM posts WHERE id = $1"
            return bool(await pool.fetchval(found, uuid.UUID(response.json()["id"])))

        seen = await asyncio.gather(*(post(number) for number in range(50)))

    assert seen == [True] * 50
