"""Auth's events as they are stored, without the feed."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.models import Event


class WrittenEvent(NamedTuple):
    type: str
    data: dict[str, object]


async def written_events(session: AsyncSession, but: str = "") -> list[WrittenEvent]:
    """Return the stored events in the order of their insertion, except those of type `but`."""
    query = select(Event.type, Event.data).where(Event.type != but).order_by(Event.insert_order)
    return [WrittenEvent(type_, data) for type_, data in await session.execute(query)]
