"""Database access to events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.models import Event
from duet_auth.events.position import Position
from duet_auth.events.schemas import EventData, FeedEvent
from duet_common.db.queries import Query
from duet_common.ids import new_id

CHANNEL: Final = "duet_events"
"""PostgreSQL's notification channel: a notification says that events were committed."""
BATCH: Final = 1000
"""The maximum number of rows that one statement changes."""
ANY_WITHOUT_SEQ: Final = "SELECT EXISTS (SELECT FROM events WHERE seq IS NULL)"

_SEQ_LOCK: Final = 0x45565351  # "EVSQ"
_PURGE_LOCK: Final = 0x45565047  # "EVPG"
_MAX_BIGINT: Final = 2**63 - 1

EVENTS_FROM: Final = Query(
    select(
        Event.id,
        Event.type,
        Event.created_at.label("at"),
        cast(Event.data, Text).label("data"),
        Event.seq,
    )
    .where(Event.seq >= bindparam("seq"))
    .order_by(Event.seq)
    .limit(bindparam("limit")),
    FeedEvent,
)
"""The events at a position and after it, in the order of the feed."""

_FIRST_SINCE = (
    select(func.min(Event.seq)).where(Event.created_at >= bindparam("since")).scalar_subquery()
)
POSITION_BEFORE: Final = Query(
    select(Event.seq, Event.id)
    .where(Event.seq < func.coalesce(_FIRST_SINCE, literal(_MAX_BIGINT, BigInteger)))
    .order_by(Event.seq.desc())
    .limit(1),
    Position,
)
"""The last position before every event that was written since an instant."""


class EventRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self, events: Sequence[EventData]) -> None:
        """Insert events in the given order. Listeners are notified when they are committed."""
        rows = [
            {"id": new_id(), "type": event.type, "data": event.model_dump(mode="json")}
            for event in events
        ]
        await self.session.execute(insert(Event), rows)
        await self.session.execute(select(func.pg_notify(CHANNEL, "")))

    async def assign_seq(self) -> int:
        """Give the next positions to at most `BATCH` committed events, and return their number.

        The lock is held until the commit, so positions become visible in their order: whoever sees
        one sees all before it.
        """
        await self.session.execute(select(func.pg_advisory_xact_lock(_SEQ_LOCK)))
        last = select(func.coalesce(func.max(Event.seq), 0)).scalar_subquery()
        number = func.row_number().over(order_by=Event.insert_order)
        new = (
            select(Event.id, (last + number).label("seq"))
            .where(Event.seq.is_(None))
            .order_by(Event.insert_order)
            .limit(BATCH)
            .subquery()
        )
        # A separate statement, so that it sees what the previous holder of the lock has committed.
        statement = update(Event).where(Event.id == new.c.id).values(seq=new.c.seq)
        assigned = await self.session.execute(
            statement.returning(Event.id), execution_options={"synchronize_session": False}
        )
        return len(assigned.all())

    async def purge(self, before: datetime) -> int | None:
        """Delete at most `BATCH` events that were written before an instant; return their number.

        The newest of them is kept: it is the position of every reader that had read all events at
        that instant. Return None if another process is deleting events.
        """
        lock = select(func.pg_try_advisory_xact_lock(_PURGE_LOCK))
        if not await self.session.scalar(lock):
            return None
        newest = select(func.max(Event.seq)).where(Event.created_at < before).scalar_subquery()
        expired = select(Event.id).where(Event.seq < newest).order_by(Event.seq).limit(BATCH)
        statement = delete(Event).where(Event.id.in_(expired)).returning(Event.id)
        deleted = await self.session.execute(
            statement, execution_options={"synchronize_session": False}
        )
        return len(deleted.all())
