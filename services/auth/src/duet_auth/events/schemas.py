"""The events: a type and its data. docs/reference/events.md describes them for their readers."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer


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
