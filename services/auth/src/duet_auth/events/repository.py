"""Database access to events."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.models import Event
from duet_auth.events.schemas import EventData
from duet_common.ids import new_id

CHANNEL: Final = "duet_events"
"""PostgreSQL's notification channel: a notification says that events were committed."""


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
