"""Compiled queries read rows by named parameters, on connections that cannot write."""

import uuid
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import bindparam, literal, select

from duet_common.db.database import Database
from duet_common.db.queries import Query
from tests.support.note_model import Note


@dataclass(frozen=True)
class NoteOut:
    id: uuid.UUID
    title: str


NOTE_BY_TITLE = Query(select(Note.id, Note.title).where(Note.title == bindparam("title")), NoteOut)
ALL_NOTES = Query(select(Note.id, Note.title).order_by(Note.title), NoteOut)


@pytest.fixture
async def notes(database: Database) -> list[Note]:
    notes = [Note(title=title, words=words) for title, words in (("a", None), ("b", "some"))]
    async with database.transaction() as session:
        session.add_all(notes)
    return notes


async def test_one_returns_a_row_or_none(database: Database, notes: list[Note]) -> None:
    assert await NOTE_BY_TITLE.one(database.read_only_pool, title="a") == NoteOut(notes[0].id, "a")
    assert await NOTE_BY_TITLE.one(database.read_only_pool, title="c") is None


async def test_all_returns_every_row_in_order(database: Database, notes: list[Note]) -> None:
    assert [note.title for note in await ALL_NOTES.all(database.read_only_pool)] == ["a", "b"]


async def test_a_missing_parameter_raises_a_key_error(database: Database) -> None:
    with pytest.raises(KeyError, match="title"):
        await NOTE_BY_TITLE.one(database.read_only_pool)


async def test_literals_and_repeated_parameters_are_bound_in_order(
    database: Database, notes: list[Note]
) -> None:
    query = Query(
        select(Note.id, literal("shown").label("title"))
        .where(
            Note.words.is_not(None),
            Note.title != "a",
            Note.title >= bindparam("first"),
            Note.title <= bindparam("last"),
            Note.title >= bindparam("first"),
        )
        .limit(1),
        NoteOut,
    )

    assert await query.one(database.read_only_pool, last="b", first="a") == NoteOut(
        notes[1].id, "shown"
    )
    assert await query.all(database.read_only_pool, first="c", last="z") == []


async def test_a_row_function_builds_the_model_from_other_columns(
    database: Database, notes: list[Note]
) -> None:
    query = Query(
        select(Note.id, Note.words).where(Note.title == bindparam("title")),
        NoteOut,
        lambda row: {"id": row["id"], "title": f"{row['words']} words"},
    )

    assert await query.one(database.read_only_pool, title="b") == NoteOut(notes[1].id, "some words")


async def test_a_query_in_a_session_sees_uncommitted_rows(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Note(title="new"))
        await session.flush()

        assert await NOTE_BY_TITLE.one(database.read_only_pool, title="new") is None
        assert await NOTE_BY_TITLE.one_in(session, title="new") is not None


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM notes",
        "INSERT INTO notes (id, title) VALUES (gen_random_uuid(), 'x') RETURNING id",
        "UPDATE notes SET words = NULL",
        "CREATE TABLE other (id int)",
        "WITH gone AS (DELETE FROM notes RETURNING id) SELECT id FROM gone",
        "SELECT id FROM notes FOR UPDATE",
    ],
)
async def test_the_read_only_pool_refuses_writes(
    database: Database, notes: list[Note], statement: str
) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await database.read_only_pool.fetch(statement)

    assert len(await ALL_NOTES.all(database.read_only_pool)) == 2


async def test_a_value_of_another_type_raises_a_type_error(database: Database) -> None:
    assert await database.read_only_pool.fetch_value("SELECT 7", int) == 7
    assert await database.read_only_pool.fetch_value("SELECT 7 WHERE false", int) is None
    with pytest.raises(TypeError, match="int is not str"):
        await database.read_only_pool.fetch_value("SELECT 7", str)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TimeZone", "UTC"),
        ("application_name", "test"),
        ("statement_timeout", "5s"),
        ("lock_timeout", "5s"),
        ("default_transaction_read_only", "on"),
        ("jit", "off"),
    ],
)
async def test_every_read_connection_has_the_server_settings(
    database: Database, setting: str, value: str
) -> None:
    assert await database.read_only_pool.fetch_value(f"SHOW {setting}", str) == value
