"""A temporary database with one table, `notes`, for the tests of the database library."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete

from duet_common.db.database import Database
from tests.support.note_model import Note, NoteBase
from tests.support.temporary_databases import open_database, temporary_database


@pytest.fixture(scope="session")
async def notes_url(postgres_url: str) -> AsyncIterator[str]:
    async with temporary_database(postgres_url) as url:
        async with open_database(url) as database, database.transaction() as session:
            await (await session.connection()).run_sync(NoteBase.metadata.create_all)
        yield url


@pytest.fixture(scope="session")
async def session_database(notes_url: str) -> AsyncIterator[Database]:
    async with open_database(notes_url) as database:
        yield database


@pytest.fixture
async def database(session_database: Database) -> AsyncIterator[Database]:
    """A database whose table `notes` is empty."""
    yield session_database
    async with session_database.transaction() as session:
        await session.execute(delete(Note))
