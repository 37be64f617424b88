"""What is said on a WebSocket: JSON objects told apart by `type`.

A client's message may have an `id`, which its answer repeats.
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
    expires. The answer is `welcome`.
    """

    type: Literal["auth"]
    token: str


class Subscribe(_FromClient):
    """Join a channel. The answer is `subscribed`, and the other members receive `presence`."""

    type: Literal["subscribe"]
    channel: str


class Unsubscribe(_FromClient):
    """Leave a channel. The answer is `unsubscribed`, and the other members receive `presence`."""

    type: Literal["unsubscribe"]
    channel: str


class Publish(_FromClient):
    """Send data to all members of a channel, the sender included, as `message`."""

    type: Literal["publish"]
    channel: str
    # `parse` has made it of JSON: to look at each node of it again would find nothing.
    data: Annotated[JsonValue, SkipValidation]


class Ping(_FromClient):
    """Check that the connection works. The answer is `pong`."""

    type: Literal["ping"]


ClientMessage = Annotated[
    Auth | Subscribe | Unsubscribe | Publish | Ping, Field(discriminator="type")
]
_CLIENT_MESSAGE: Final[TypeAdapter[ClientMessage]] = TypeAdapter(ClientMessage)


class _FromServer(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_name=True, serialize_by_alias=True)

    type: str

    def encode(self) -> str:
        """The JSON text, to be made once for all receivers."""
        return self.model_dump_json()


class _Answer(_FromServer):
    id: MessageId | None = Field(None, exclude_if=lambda value: value is None)


class Sender(BaseModel):
    """One connection of a user, as the others know it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str
    user_id: uuid.UUID


class Welcome(_Answer):
    """The token was accepted. `channels` are the channels that the connection is on."""

    type: Literal["welcome"] = "welcome"
    client_id: str
    user_id: uuid.UUID
    channels: list[str]


class Subscribed(_Answer):
    """The connection is on the channel that `subscribe` named."""

    type: Literal["subscribed"] = "subscribed"


class Unsubscribed(_Answer):
    """The connection is not on the channel that `unsubscribe` named."""

    type: Literal["unsubscribed"] = "unsubscribed"


class Message(_Answer):
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


class Pong(_Answer):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"


class Error(_Answer):
    """A message was refused, and the connection stays open. `code` is stable."""

    type: Literal["error"] = "error"
    code: str
    detail: str


ServerMessage = Annotated[
    Welcome | Subscribed | Unsubscribed | Message | Presence | Pong | Error,
    Field(discriminator="type"),
]


def parse(frame: str | bytes) -> ClientMessage:
    """A client's message. Raises `MalformedMessage` for everything else, whatever it holds."""
    if isinstance(frame, bytes):
        raise MalformedMessage("Messages are text, not binary")
    try:
        said: JsonValue = from_json(frame, allow_inf_nan=False)
    except (ValueError, TypeError) as error:  # TypeError: a string that no UTF-8 can spell
        raise MalformedMessage(f"Not JSON: {error}"[:_MAX_DETAIL_LENGTH]) from None
    if not _is_storable(said):
        raise MalformedMessage("Holds NUL, or a number beyond a double's range")
    try:
        return _CLIENT_MESSAGE.validate_python(said)
    except ValidationError as error:
        raise MalformedMessage(_first_of(error), _id_of(said)) from None


def _is_storable(said: JsonValue) -> bool:
    """Whether PostgreSQL can hold it and JSON can say it again: `1e999` is read as infinity."""
    pending = [said]
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


def _id_of(said: JsonValue) -> str | None:
    identifier = said.get("id") if isinstance(said, dict) else None
    return identifier if isinstance(identifier, str) and len(identifier) <= _MAX_ID_LENGTH else None


def _first_of(error: ValidationError) -> str:
    # Without the input, which may be a token; and a field's name is the client's own text.
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return (f"{where}: {first['msg']}" if where else first["msg"])[:_MAX_DETAIL_LENGTH]
