"""Cursors of the feed: the position after an event, and which event that was."""

import base64
import struct
import uuid
from dataclasses import dataclass
from typing import Final

from duet_common.errors import InvalidCursor

_LAYOUT: Final = struct.Struct(">q16s")


@dataclass(frozen=True, slots=True)
class Position:
    """The position after an event. The event's id shows whether it is of the same history.

    After a restore of the database, other events have the same `seq`.
    """

    seq: int
    id: uuid.UUID

    def encode(self) -> str:
        """Return 32 characters of base64url."""
        return base64.urlsafe_b64encode(_LAYOUT.pack(self.seq, self.id.bytes)).decode("ascii")

    @classmethod
    def decode(cls, value: str) -> "Position":
        """Raises `InvalidCursor` for anything that `encode` did not return."""
        try:
            seq, id_bytes = _LAYOUT.unpack(base64.b64decode(value, b"-_", validate=True))
        except (ValueError, struct.error):
            raise _invalid() from None
        position = cls(seq, uuid.UUID(bytes=id_bytes))
        if seq < 0 or (seq == 0 and position != START) or position.encode() != value:
            raise _invalid()
        return position


START: Final = Position(0, uuid.UUID(int=0))
"""The position before the first event."""


def _invalid() -> InvalidCursor:
    return InvalidCursor("Invalid cursor. Use `cursor` from the previous response.")
