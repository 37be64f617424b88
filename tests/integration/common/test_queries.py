"""Reading without a session: compiled once, by its parameters, on connections that cannot write."""

import uuid
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import bindparam, literal, select

from duet_common.db.database import Database
from duet_common.db.queries import Query
from tests.support.note_model import Note


@dataclass(frozen=True)
class Shown:
    id: uuid.UUID
    title: str


BY_TITLE = Query(select(Note.id, Note.title).where(Note.title == bindparam("title")), Shown)
EVERY = Query(select(Note.id, Note.title).order_by(Note.title), Shown)


@pytest.fixture
async def notes(database: Database) -> list[Note]:
    made = [Note(title=title, words=words) for title, words in (("a", None), ("b", "some"))]
    async with database.transaction() as session:
        session.add_all(made)
    return made


async def test_one_is_the_row_or_none(database: Database, notes: list[Note]) -> None:
    assert await BY_TITLE.one(database.read_only_pool, title="a") == Shown(notes[0].id, "a")
    assert await BY_TITLE.one(database.read_only_pool, title="c") is None


async def test_all_is_every_row_in_order(database: Database, notes: list[Note]) -> None:
    assert [shown.title for shown in await EVERY.all(database.read_only_pool)] == ["a", "b"]


async def test_a_missing_parameter_is_a_key_error(database: Database) -> None:
    with pytest.raises(KeyError, match="title"):
        await BY_TITLE.one(database.read_only_pool)


async def test_literals_and_parameters_keep_their_places(
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
        Shown,
    )

    assert await query.one(database.read_only_pool, last="b", first="a") == Shown(
        notes[1].id, "shown"
    )
    assert await query.all(database.read_only_pool, first="c", last="z") == []


async def test_a_shape_makes_the_model_of_other_columns(
    database: Database, notes: list[Note]
) -> None:
    query = Query(
        select(Note.id, Note.words).where(Note.title == bindparam("title")),
        Shown,
        lambda row: {"id": row["id"], "title": f"{row['words']} words"},
    )

    assert await query.one(database.read_only_pool, title="b") == Shown(notes[1].id, "some words")


async def test_in_a_transaction_a_read_sees_what_is_not_committed(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Note(title="new"))
        await session.flush()

        assert await BY_TITLE.one(database.read_only_pool, title="new") is None
        assert await BY_TITLE.one_in(session, title="new") is not None


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
async def test_a_read_cannot_write(database: Database, notes: list[Note], statement: str) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await database.read_only_pool.fetch(statement)

    assert len(await EVERY.all(database.read_only_pool)) == 2


async def test_a_value_is_of_the_kind_that_was_asked_for(database: Database) -> None:
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
async def test_every_connection_is_set_up_alike(
    database: Database, setting: str, value: str
) -> None:
    assert await database.read_only_pool.fetch_value(f"SHOW {setting}", str) == value
