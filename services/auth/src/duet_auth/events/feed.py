"""The feed of events that other services follow, and the requests that wait for the next event."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from duet_auth.events.errors import EventsCursorExpired, TooManyWaitingRequests
from duet_auth.events.position import START, Position
from duet_auth.events.repository import (
    ANY_WITHOUT_SEQ,
    CHANNEL,
    EVENTS_FROM,
    POSITION_BEFORE,
    EventRepository,
)
from duet_auth.events.schemas import EventPage, FeedEvent
from duet_common.clock import Clock
from duet_common.db.database import Database
from duet_common.db.listener import NotificationListener

MAX_WAITING: Final = 256
"""The maximum number of requests that wait in one process."""
_POLL_SECONDS: Final = 0.25
"""How often a waiting request reads the feed while no notification can be received."""


class EventFeed:
    """Reads events in an order that never changes, and wakes requests that wait for more.

    A waiting request holds no database connection. With `listen_url`, one connection per process
    receives PostgreSQL's notifications. Without it (behind a pooler), waiting requests poll.
    """

    def __init__(
        self, database: Database, clock: Clock, replay: timedelta, listen_url: str | None
    ) -> None:
        """`replay` is the age up to which a snapshot's reader reads events again."""
        self._database = database
        self._clock = clock
        self._replay = replay
        self._listener = (
            NotificationListener(listen_url, CHANNEL, "duet-auth-events", self._wake)
            if listen_url is not None
            else None
        )
        self._next_event: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = 0
        self._is_ending = False

    def start(self) -> None:
        if self._listener is not None:
            self._listener.start()

    async def stop(self) -> None:
        self.end_waits()
        if self._listener is not None:
            await self._listener.stop()

    @property
    def waiting(self) -> int:
        """The number of requests that wait for an event."""
        return self._waiting

    def end_waits(self) -> None:
        """Answer all waiting requests now. Later requests do not wait."""
        self._is_ending = True
        self._wake()

    async def read(self, after: Position | None, limit: int) -> EventPage:
        """Return the events after a position, or the oldest ones. Raises `EventsCursorExpired`."""
        await self._assign_seq()
        start = after or START
        # The event at the position is read, too: it shows that the history is the same.
        found = await EVENTS_FROM.all(self._database.read_only_pool, seq=start.seq, limit=limit + 1)
        events = found if after is None else _checked(found, after)
        events = events[:limit]
        last = Position(events[-1].seq, events[-1].id) if events else start
        return EventPage(events=events, cursor=last.encode())

    async def read_or_wait(
        self, after: Position | None, limit: int, seconds: float, gone: asyncio.Future[None]
    ) -> EventPage:
        """Return the events after a position; wait for the first one if there is none yet.

        The page is empty if there is none after some seconds, when the process stops, or when
        `gone` is done. Raises `EventsCursorExpired` and `TooManyWaitingRequests`.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        # Taken before reading: an event that is committed meanwhile must end the wait.
        next_event = self._next_event
        page = await self.read(after, limit)
        if page.events or seconds <= 0:
            return page
        with self._counted():
            while not (page.events or gone.done() or self._is_ending):
                left = end - loop.time()
                if left <= 0:
                    break
                await asyncio.wait(
                    {next_event, gone},
                    timeout=min(left, self._longest_pause),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                next_event = self._next_event
                page = await self.read(after, limit)
        return page

    async def snapshot_cursor(self) -> str:
        """Return the cursor from which a reader of the users' snapshot follows the feed.

        Recent events come after it although the snapshot contains their changes: a snapshot has no
        revoked sessions and keys, and their tokens may still be valid. Read it before the users.
        """
        since = self._clock() - self._replay
        position = await POSITION_BEFORE.one(self._database.read_only_pool, since=since)
        return (position or START).encode()

    async def _assign_seq(self) -> None:
        if await self._database.read_only_pool.fetch_value(ANY_WITHOUT_SEQ, bool):
            async with self._database.transaction() as session:
                await EventRepository(session).assign_seq()

    @property
    def _longest_pause(self) -> float:
        is_listening = self._listener is not None and self._listener.is_listening
        return float("inf") if is_listening else _POLL_SECONDS

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._waiting >= MAX_WAITING:
            raise TooManyWaitingRequests
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def _wake(self) -> None:
        woken, self._next_event = (
            self._next_event,
            asyncio.get_running_loop().create_future(),
        )
        woken.set_result(None)


def _checked(found: list[FeedEvent], after: Position) -> list[FeedEvent]:
    """Return the events after a position, without the one at it. Raises `EventsCursorExpired`."""
    first = found[0] if found else None
    if after == START:
        if first is not None and first.seq != START.seq + 1:
            raise EventsCursorExpired
        return found
    if first is None or (first.seq, first.id) != (after.seq, after.id):
        raise EventsCursorExpired
    return found[1:]
