"""How other domains write events."""

from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.repository import EventRepository
from duet_auth.events.schemas import EventData


class EventService:
    """Appends events in the caller's transaction. The service never commits.

    An event is therefore stored exactly if the change that it describes is stored.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._events = EventRepository(session)

    async def append(self, *events: EventData) -> None:
        if events:
            await self._events.add(events)
