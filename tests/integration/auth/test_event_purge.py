"""Expired events are deleted, except the newest: it is the position of up-to-date readers."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from duet_auth.events import purge as purge_module
from duet_auth.events import repository
from duet_auth.events.purge import EventPurge
from duet_auth.events.schemas import KeyRevoked
from duet_common.testing.clock import AdjustableClock
from tests.support.events import FeedClient, append
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet

RETENTION = timedelta(days=7)


@pytest.fixture
async def feed(duet: Duet) -> AsyncIterator[FeedClient]:
    async with httpx.AsyncClient(base_url=duet.internal_url) as client:
        yield FeedClient(client)


@pytest.fixture
def purge(duet: Duet, clock: AdjustableClock) -> EventPurge:
    return EventPurge(duet.auth.runtime.database, RETENTION, clock)


async def write(duet: Duet, *kids: str, age: timedelta = timedelta(0)) -> None:
    await append(duet, *(KeyRevoked(kid=kid) for kid in kids))
    connection = await asyncpg.connect(duet.urls.auth)
    await connection.execute(
        "UPDATE events SET created_at = now() - $1::interval WHERE data->>'kid' = ANY($2)",
        age,
        list(kids),
    )
    await connection.close()


async def kept(feed: FeedClient) -> list[object]:
    events = (await feed.get(limit=1000)).json()["events"]
    return [event["data"]["kid"] for event in events]


async def test_expired_events_are_deleted_except_the_newest_of_them(
    duet: Duet, feed: FeedClient, purge: EventPurge
) -> None:
    await write(duet, "a", "b", "c", age=RETENTION + timedelta(minutes=1))
    await write(duet, "d", age=RETENTION - timedelta(minutes=1))
    await write(duet, "e")

    assert await purge.run() == 2

    assert await kept(feed) == ["c", "d", "e"]
    assert await purge.run() == 0


async def test_the_newest_event_is_never_deleted(
    duet: Duet, feed: FeedClient, purge: EventPurge
) -> None:
    await write(duet, "a", "b", age=10 * RETENTION)

    await purge.run()

    assert await kept(feed) == ["b"]


async def test_a_cursor_that_is_older_than_the_retention_gets_410(
    duet: Duet, feed: FeedClient, purge: EventPurge
) -> None:
    old = FeedClient(feed._client)
    await write(duet, "a", age=2 * RETENTION)
    await old.next()
    await write(duet, "b", "c", age=RETENTION + timedelta(minutes=1))
    await write(duet, "d")

    await purge.run()

    assert_problem(await old.get(after=old.cursor), 410, "events_cursor_expired")


async def test_the_position_before_the_first_event_expires_with_it(
    duet: Duet, feed: FeedClient, purge: EventPurge
) -> None:
    start = FeedClient(feed._client)
    assert await start.next() == []
    await write(duet, "a", "b", age=2 * RETENTION)
    await start.get(after=start.cursor)

    await purge.run()

    assert_problem(await start.get(after=start.cursor), 410, "events_cursor_expired")


async def test_a_reader_that_was_up_to_date_within_the_retention_continues(
    duet: Duet, feed: FeedClient, purge: EventPurge
) -> None:
    """Its last event has expired, but it has not missed one."""
    await write(duet, "a", "b", age=3 * RETENTION)
    await feed.next()
    await write(duet, "c")

    await purge.run()

    assert [event["data"] for event in await feed.next()] == [{"kid": "c"}]


async def test_events_that_nobody_has_read_are_deleted_in_batches(
    duet: Duet, feed: FeedClient, purge: EventPurge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (repository, purge_module):
        monkeypatch.setattr(module, "BATCH", 10)
    await write(duet, *(f"{n}" for n in range(35)), age=2 * RETENTION)

    assert await purge.run() == 34

    assert await kept(feed) == ["34"]


async def test_only_one_process_deletes_at_a_time(
    duet: Duet, feed: FeedClient, purge: EventPurge
) -> None:
    await write(duet, "a", "b", age=2 * RETENTION)
    async with duet.auth.runtime.database.transaction() as session:
        lock = text("SELECT pg_advisory_xact_lock(:key)")
        await session.execute(lock, {"key": repository._PURGE_LOCK})
        assert await purge.run() == 0

    assert await purge.run() == 1
    assert await kept(feed) == ["b"]
