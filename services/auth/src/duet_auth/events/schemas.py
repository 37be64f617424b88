"""The events (a type and its data), and the pages of the feed.

docs/reference/events.md describes both for other services.
"""

import uuid
from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, Json, JsonValue, PlainSerializer


def _to_milliseconds(instant: datetime) -> str:
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


Milliseconds = Annotated[AwareDatetime, PlainSerializer(_to_milliseconds, return_type=str)]
"""An instant that is written in RFC 3339 with exactly three decimals."""


class EventData(BaseModel):
    """The base of the events' data. `type` is stable: readers depend on it."""

    model_config = ConfigDict(frozen=True)
    type: ClassVar[str]


class UserNames(EventData):
    user_id: uuid.UUID
    first_name: str | None
    last_name: str | None


class UserRegistered(UserNames):
    type = "user.registered"


class UserUpdated(UserNames):
    """The names of a user have changed."""

    type = "user.updated"


class UserDeactivated(EventData):
    type = "user.deactivated"
    user_id: uuid.UUID


class UserDeleted(EventData):
    type = "user.deleted"
    user_id: uuid.UUID


class SessionRevoked(EventData):
    type = "session.revoked"
    user_id: uuid.UUID
    session_id: uuid.UUID


class TokensRevokedBefore(EventData):
    """Tokens of the user are revoked if their `jti` was made before this instant."""

    type = "tokens.revoked_before"
    user_id: uuid.UUID
    before: Milliseconds


class KeyRevoked(EventData):
    type = "key.revoked"
    kid: str


class FeedEvent(BaseModel):
    """An event as the feed returns it. `seq` is only part of the cursor."""

    id: uuid.UUID
    type: str
    at: AwareDatetime
    data: Json[dict[str, JsonValue]]
    seq: int = Field(exclude=True)


class EventPage(BaseModel):
    """Events in their order, and the position after the last one."""

    events: list[FeedEvent]
    cursor: str


class SnapshotUser(BaseModel):
    """What other services may know about a user."""

    id: uuid.UUID
    first_name: str | None
    last_name: str | None
    is_active: bool
    tokens_revoked_before: Milliseconds | None


class SnapshotPage(BaseModel):
    """Users by id. The feed is followed from the `cursor` of the first page."""

    users: list[SnapshotUser]
    next_after: uuid.UUID | None
    cursor: str
