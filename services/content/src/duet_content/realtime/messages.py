"""The messages of a WebSocket: JSON objects whose `type` names their kind.

A client's message may have an `id`, which the reply repeats.
"""

import math
import uuid
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SkipValidation,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import from_json

from duet_common.web.schemas import RequestModel, UtcTime
from duet_content.realtime.errors import MalformedMessage

_MAX_ID_LENGTH: Final = 64
_MAX_DETAIL_LENGTH: Final = 200

MessageId = Annotated[str, Field(max_length=_MAX_ID_LENGTH)]


class _FromClient(RequestModel):
    id: MessageId | None = None


class Auth(_FromClient):
    """Present an access token.

    It is the first message unless the handshake had a token. Later, it replaces the token before it
    expires. The reply is `welcome`.
    """

    type: Literal["auth"]
    token: str


class Subscribe(_FromClient):
    """Join a channel. The reply is `subscribed`, and the other members receive `presence`."""

    type: Literal["subscribe"]
    channel: str


class Unsubscribe(_FromClient):
    """Leave a channel. The reply is `unsubscribed`, and the other members receive `presence`."""

    type: Literal["unsubscribe"]
    channel: str


class Publish(_FromClient):
    """Send data to all members of a channel, the sender included, as `message`."""

    type: Literal["publish"]
    channel: str
    # Not validated: `parse` has created it from JSON.
    data: Annotated[JsonValue, SkipValidation]


class Ping(_FromClient):
    """Check that the connection works. The reply is `pong`."""

    type: Literal["ping"]


ClientMessage = Annotated[
    Auth | Subscribe | Unsubscribe | Publish | Ping, Field(discriminator="type")
]
_CLIENT_MESSAGE: Final[TypeAdapter[ClientMessage]] = TypeAdapter(ClientMessage)


class _FromServer(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True, serialize_by_alias=True)

    type: str

    def encode(self) -> str:
        """Return the JSON text. Call this once for all receivers."""
        return self.model_dump_json()


class _Reply(_FromServer):
    id: MessageId | None = Field(None, exclude_if=lambda value: value is None)


class Sender(BaseModel):
    """The sender of a message: a user and one of their connections."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str
    user_id: uuid.UUID


class Welcome(_Reply):
    """The token was accepted. `channels` are the channels that the connection is on."""

    type: Literal["welcome"] = "welcome"
    client_id: str
    user_id: uuid.UUID
    channels: list[str]


class Subscribed(_Reply):
    """The connection is on the channel that `subscribe` named."""

    type: Literal["subscribed"] = "subscribed"


class Unsubscribed(_Reply):
    """The connection is not on the channel that `unsubscribe` named."""

    type: Literal["unsubscribed"] = "unsubscribed"


class Message(_Reply):
    """Data that was published on a channel.

    `seq` increases by one with each message of the channel. Only the publisher's own copy has the
    `id`.
    """

    type: Literal["message"] = "message"
    channel: str
    seq: int
    sender: Sender = Field(alias="from")
    data: Annotated[JsonValue, SkipValidation]
    at: UtcTime


class Presence(_FromServer):
    """Another connection joined a channel or left it."""

    type: Literal["presence"] = "presence"
    channel: str
    event: Literal["join", "leave"]
    client_id: str
    user_id: uuid.UUID


class Pong(_Reply):
    """The reply to `ping`."""

    type: Literal["pong"] = "pong"


class Error(_Reply):
    """A message was refused, and the connection stays open. `code` is stable."""

    type: Literal["error"] = "error"
    code: str
    detail: str


ServerMessage = Annotated[
    Welcome | Subscribed | Unsubscribed | Message | Presence | Pong | Error,
    Field(discriminator="type"),
]


def parse(frame: str | bytes) -> ClientMessage:
    """Parse a client's message. Raises `MalformedMessage` for anything else."""
    if isinstance(frame, bytes):
        raise MalformedMessage("Messages must be text, not binary.")
    try:
        document: JsonValue = from_json(frame, allow_inf_nan=False)
    except (ValueError, TypeError) as error:  # TypeError: a string with a lone surrogate
        raise MalformedMessage(f"Not JSON: {error}"[:_MAX_DETAIL_LENGTH]) from None
    if not _is_storable(document):
        raise MalformedMessage(
            "Messages must not contain NUL, or numbers that a double cannot hold."
        )
    try:
        return _CLIENT_MESSAGE.validate_python(document)
    except ValidationError as error:
        raise MalformedMessage(_describe_first(error), _id_of(document)) from None


def _is_storable(document: JsonValue) -> bool:
    """Return whether PostgreSQL and JSON can express the value: `1e999` is infinity."""
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if "\0" in value:
                return False
        elif isinstance(value, float):
            if not math.isfinite(value):
                return False
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(value)
            pending.extend(value.values())
    return True


def _id_of(document: JsonValue) -> str | None:
    identifier = document.get("id") if isinstance(document, dict) else None
    return identifier if isinstance(identifier, str) and len(identifier) <= _MAX_ID_LENGTH else None


def _describe_first(error: ValidationError) -> str:
    # Without the input, which may be a token. The names of fields are also the client's input.
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return (f"{where}: {first['msg']}" if where else first["msg"])[:_MAX_DETAIL_LENGTH]
