"""`/internal`: the feed of events and the snapshot of users, for other services.

No ingress routes these paths, and no OpenAPI document contains them. docs/reference/events.md is
their contract.
"""

import asyncio
import hmac
import logging
import uuid
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from duet_auth.dependencies import UserServiceDep
from duet_auth.events.errors import InvalidEventsToken
from duet_auth.events.feed import EventFeed
from duet_auth.events.position import Position
from duet_auth.events.schemas import EventPage, SnapshotPage
from duet_auth.runtime import AuthRuntime
from duet_common.errors import NotFound
from duet_common.paths import EVENTS_PATH, USERS_SNAPSHOT_PATH
from duet_common.web.api_route import ApiRoute
from duet_common.web.principal import bearer_token
from duet_common.web.runtime import runtime_of

logger = logging.getLogger(__name__)

Limit = Annotated[int, Query(ge=1, le=1000)]


async def check_events_token(request: Request) -> None:
    """Raise `InvalidEventsToken`, or `NotFound` if the service has no `EVENTS_TOKEN`."""
    expected = runtime_of(request, AuthRuntime).settings.events_token
    if expected is None:
        raise NotFound
    # Headers are decoded as latin-1. `compare_digest` refuses strings that are not ASCII.
    presented = (bearer_token(request) or "").encode("latin-1")
    if not hmac.compare_digest(presented, expected.get_secret_value().encode("ascii")):
        logger.info("A request to %s with a wrong credential was refused.", request.url.path)
        raise InvalidEventsToken


router = APIRouter(
    include_in_schema=False, route_class=ApiRoute, dependencies=[Depends(check_events_token)]
)


async def event_feed(request: Request) -> EventFeed:
    return runtime_of(request, AuthRuntime).feed


EventFeedDep = Annotated[EventFeed, Depends(event_feed)]


async def position_parameter(after: str | None = None) -> Position | None:
    return None if after is None else Position.decode(after)


@router.get(EVENTS_PATH)
async def read_events(
    request: Request,
    feed: EventFeedDep,
    after: Annotated[Position | None, Depends(position_parameter)],
    wait: Annotated[float, Query(ge=0, le=25)] = 0,
    limit: Limit = 100,
) -> EventPage:
    gone = asyncio.create_task(_disconnection(request), name="events-disconnection")
    try:
        return await feed.read_or_wait(after, limit, wait, gone)
    finally:
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone


@router.get(USERS_SNAPSHOT_PATH)
async def read_users(
    users: UserServiceDep, feed: EventFeedDep, after: uuid.UUID | None = None, limit: Limit = 100
) -> SnapshotPage:
    cursor = await feed.snapshot_cursor()  # before the users, so that no change is missed
    found = await users.snapshot(after, limit + 1)
    page = found[:limit]
    return SnapshotPage(
        users=page, next_after=page[-1].id if len(found) > limit else None, cursor=cursor
    )


async def _disconnection(request: Request) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
