"""The generic repository, from which every domain inherits its basic operations."""

from collections.abc import AsyncIterator
from datetime import UTC

import pytest
from sqlalchemy.exc import IntegrityError

from duet_common.db.database import Database
from duet_common.db.keyset import Cursor
from duet_common.ids import new_id
from tests.support.note_model import Note, NoteRepository


@pytest.fixture
async def notes(database: Database) -> AsyncIterator[NoteRepository]:
    async with database.transaction() as session:
        yield NoteRepository(session)


async def create_notes(notes: NoteRepository, number: int) -> list[Note]:
    """Create notes that share `created_at`, as one transaction does; return them newest first."""
    made = [await notes.create(Note(title=f"note {n}")) for n in range(number)]
    return made[::-1]


async def test_a_created_row_has_an_id_and_timestamps(notes: NoteRepository) -> None:
    note = await notes.create(Note(title="a note"))

    assert note.id.version == 7
    assert note.created_at == note.updated_at
    assert note.created_at.tzinfo is UTC or note.created_at.utcoffset() is not None
    assert note.words is None


async def test_get_returns_the_row_with_an_id_or_none(notes: NoteRepository) -> None:
    note = await notes.create(Note(title="a note"))

    assert await notes.get(note.id) is note
    assert await notes.get(note.id, for_update=True) is note
    assert await notes.get(new_id()) is None


async def test_get_multi_returns_a_slice_newest_first(notes: NoteRepository) -> None:
    made = await create_notes(notes, 5)

    assert list(await notes.get_multi()) == made
    assert list(await notes.get_multi(skip=1, limit=2)) == made[1:3]
    assert list(await notes.get_multi(skip=5)) == []


async def test_get_multi_takes_filters(notes: NoteRepository) -> None:
    made = await create_notes(notes, 3)

    assert list(await notes.get_multi(Note.title != "note 1")) == [made[0], made[2]]


async def test_pages_have_no_gap_and_no_overlap(notes: NoteRepository) -> None:
    made = await create_notes(notes, 5)

    first = await notes.page(limit=2)
    second = await notes.page(after=Cursor(first[-1].created_at, first[-1].id), limit=2)
    third = await notes.page(after=Cursor(second[-1].created_at, second[-1].id), limit=2)

    assert [*first, *second, *third] == made


async def test_a_page_and_a_count_can_be_filtered(notes: NoteRepository) -> None:
    made = await create_notes(notes, 3)
    await notes.update(made[0], {"words": "some"})

    assert list(await notes.page(Note.words.is_not(None))) == [made[0]]
    assert await notes.count(Note.words.is_(None)) == 2
    assert await notes.count() == 3


async def test_update_sets_the_given_values_including_none(notes: NoteRepository) -> None:
    note = await notes.create(Note(title="a note", words="some"))

    assert await notes.update(note, {"words": None}) is note

    await notes.session.refresh(note)
    assert (note.title, note.words) == ("a note", None)


async def test_update_with_nothing_writes_nothing(notes: NoteRepository) -> None:
    note = await notes.create(Note(title="a note"))
    before = note.updated_at

    await notes.update(note, {})

    assert note.updated_at == before


async def test_a_later_update_changes_updated_at_and_not_created_at(database: Database) -> None:
    async with database.transaction() as session:
        made = await NoteRepository(session).create(Note(title="a note"))
    async with database.transaction() as session:
        notes = NoteRepository(session)
        changed = await notes.update(await session.get_one(Note, made.id), {"words": "some"})

    assert changed.updated_at > made.updated_at
    assert changed.created_at == made.created_at


@pytest.mark.parametrize("name", ["author", "shout", "metadata", "_secret", "__class__"])
async def test_update_refuses_names_that_are_not_columns(notes: NoteRepository, name: str) -> None:
    note = await notes.create(Note(title="a note"))

    with pytest.raises(AttributeError):
        await notes.update(note, {name: "x"})


async def test_delete_removes_the_row(notes: NoteRepository) -> None:
    first, second = await create_notes(notes, 2)

    await notes.delete(first)

    assert await notes.get(first.id) is None
    assert list(await notes.get_multi()) == [second]


async def test_create_raises_an_integrity_error_immediately(database: Database) -> None:
    async with database.transaction() as session:
        await NoteRepository(session).create(Note(title="a note"))

    async with database.transaction() as session:
        with pytest.raises(IntegrityError):
            await NoteRepository(session).create(Note(title="a note"))
        await session.rollback()


async def test_the_repository_never_commits(database: Database) -> None:
    async with database.transaction() as session, database.transaction() as other:
        await NoteRepository(session).create(Note(title="a note"))

        assert await NoteRepository(session).count() == 1
        assert await NoteRepository(other).count() == 0
