"""No event is skipped or moved, whatever the order in which transactions commit."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from duet_auth.events import repository
from duet_auth.events.schemas import KeyRevoked
from duet_auth.events.service import EventService
from duet_common.ids import new_id
from tests.support.events import FeedClient, append
from tests.support.running_duet import Duet

WRITERS = 8
MAX_EVENTS_PER_TRANSACTION = 20
MAX_WAIT_SECONDS = 0.02


@pytest.fixture
async def feed(duet: Duet) -> AsyncIterator[FeedClient]:
    async with httpx.AsyncClient(base_url=duet.internal_url, timeout=30) as client:
        yield FeedClient(client)


def names(events: list[dict[str, object]]) -> list[str]:
    """Return the `kid` of each event, which these tests use as its name."""
    return [str(data["kid"]) for e in events if isinstance(data := e["data"], dict)]


async def test_an_event_that_commits_late_is_not_skipped(duet: Duet, feed: FeedClient) -> None:
    """Its id is older than the id of an event that the reader has already received."""
    async with duet.auth.runtime.database.transaction() as session:
        await EventService(session).append(KeyRevoked(kid="late"))
        await append(duet, KeyRevoked(kid="early"))
        assert names(await feed.next()) == ["early"]

    assert names(await feed.next()) == ["late"]


async def test_a_rolled_back_event_leaves_no_gap(duet: Duet, feed: FeedClient) -> None:
    async with duet.auth.runtime.database.transaction() as session:
        await EventService(session).append(KeyRevoked(kid="never"))
        await session.rollback()
    await append(duet, KeyRevoked(kid="first"), KeyRevoked(kid="second"))

    assert names(await feed.next(limit=1)) == ["first"]
    assert names(await feed.next(limit=1)) == ["second"]


async def test_a_transaction_that_stays_open_delays_no_event(duet: Duet, feed: FeedClient) -> None:
    connection = await asyncpg.connect(duet.urls.auth)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("CREATE TABLE unfinished (id int)")  # assigns a transaction id

    await append(duet, KeyRevoked(kid="now"))

    assert names(await feed.next()) == ["now"]
    await transaction.rollback()
    await connection.close()


async def test_an_event_follows_the_event_that_it_depends_on_if_a_clock_is_behind(
    duet: Duet, feed: FeedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second process has a clock that is behind, so the id of its event is older."""
    ids = [new_id(), new_id()]
    monkeypatch.setattr(repository, "new_id", ids.pop)

    await append(duet, KeyRevoked(kid="cause"))
    await append(duet, KeyRevoked(kid="effect"))

    received = await feed.next()
    assert names(received) == ["cause", "effect"]
    assert str(received[0]["id"]) > str(received[1]["id"])


async def test_readers_that_arrive_at_once_see_the_same_order(duet: Duet, feed: FeedClient) -> None:
    await append(duet, *(KeyRevoked(kid=f"{n}") for n in range(50)))

    pages = await asyncio.gather(*(feed.get(limit=1000) for _ in range(10)))

    orders = [names(page.json()["events"]) for page in pages]
    assert orders == [[f"{n}" for n in range(50)]] * 10


async def test_more_new_events_than_one_batch_arrive_in_their_order(
    duet: Duet, feed: FeedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "BATCH", 7)
    await append(duet, *(KeyRevoked(kid=f"{n}") for n in range(20)))

    received: list[str] = []
    while page := await feed.next():
        received += names(page)

    assert received == [f"{n}" for n in range(20)]


async def write(duet: Duet, writer: int, count: int) -> None:
    """Write events in transactions that wait for a random time before they commit."""
    chance = random.Random(writer)  # noqa: S311 - repeatable, not secret
    number = 0
    while number < count:
        size = min(chance.randint(1, MAX_EVENTS_PER_TRANSACTION), count - number)
        events = [KeyRevoked(kid=f"{writer}-{n}") for n in range(number, number + size)]
        async with duet.auth.runtime.database.transaction() as session:
            await EventService(session).append(*events)
            await asyncio.sleep(chance.uniform(0, MAX_WAIT_SECONDS))
        number += size


async def follow(feed: FeedClient, count: int) -> list[str]:
    """Read the feed until this many events have been received."""
    received: list[str] = []
    while len(received) < count:
        page = await feed.next(wait=5)
        assert page, f"only {len(received)} of {count} events were received"
        received += names(page)
    return received


async def assert_none_is_missing_or_out_of_order(duet: Duet, feed: FeedClient, count: int) -> None:
    following = asyncio.create_task(follow(feed, count))
    async with asyncio.TaskGroup() as tasks:
        for writer in range(WRITERS):
            tasks.create_task(write(duet, writer, count // WRITERS))
    received = await following

    assert Counter(received).most_common(1)[0][1] == 1
    for writer in range(WRITERS):
        own = [name for name in received if name.startswith(f"{writer}-")]
        assert own == [f"{writer}-{n}" for n in range(count // WRITERS)]
    feed.cursor = None
    assert await follow(feed, count) == received, "the order has changed"
    assert await feed.next() == []


async def test_no_event_is_missing_while_eight_writers_commit_in_any_order(
    duet: Duet, feed: FeedClient
) -> None:
    await assert_none_is_missing_or_out_of_order(duet, feed, 800)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_none_of_100_000_events_is_missing_while_eight_writers_commit_in_any_order(
    duet: Duet, feed: FeedClient
) -> None:
    await assert_none_is_missing_or_out_of_order(duet, feed, 100_000)
