"""Auth's events: as they are stored, and as a reader of the feed receives them."""

from typing import NamedTuple

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events.models import Event
from duet_auth.events.schemas import EventData
from duet_auth.events.service import EventService
from tests.support.running_duet import EVENTS_TOKEN, Duet


class WrittenEvent(NamedTuple):
    type: str
    data: dict[str, object]


async def written_events(session: AsyncSession, but: str = "") -> list[WrittenEvent]:
    """Return the stored events in the order of their insertion, except those of type `but`."""
    query = select(Event.type, Event.data).where(Event.type != but).order_by(Event.insert_order)
    return [WrittenEvent(type_, data) for type_, data in await session.execute(query)]


FEED = "/internal/events"
BEARER = {"Authorization": f"Bearer {EVENTS_TOKEN}"}


class FeedClient:
    """A reader of the feed, which keeps its cursor as content does."""

    def __init__(self, client: httpx.AsyncClient, cursor: str | None = None) -> None:
        self._client = client
        self.cursor = cursor

    async def get(self, **parameters: str | float | None) -> httpx.Response:
        """Send one request with these parameters, and leave the cursor as it is."""
        return await self._client.get(FEED, params=parameters, headers=BEARER)

    async def next(self, wait: float = 0, limit: int = 1000) -> list[dict[str, object]]:
        """Return the next events, and move the cursor after them."""
        parameters: dict[str, str | float | None] = {"wait": wait, "limit": limit}
        if self.cursor is not None:
            parameters["after"] = self.cursor
        response = await self.get(**parameters)
        assert response.status_code == 200, response.text
        page = response.json()
        assert page.keys() == {"events", "cursor"}
        self.cursor = page["cursor"]
        return list(page["events"])


async def append(duet: Duet, *events: EventData) -> None:
    """Write events in a transaction of their own."""
    async with duet.auth.runtime.database.transaction() as session:
        await EventService(session).append(*events)
