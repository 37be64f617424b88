"""Cursors of keyset pages: a position in a list that is ordered by a timestamp and an id."""

import base64
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from duet_common.errors import InvalidCursor

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAYOUT: Final = struct.Struct(">q16s")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a list ordered by a timestamp and an id, both descending."""

    at: datetime
    id: uuid.UUID

    def encode(self) -> str:
        """Return 32 characters of base64url. The timestamp has microseconds, as in PostgreSQL."""
        micros = (self.at - _EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(_LAYOUT.pack(micros, self.id.bytes)).decode("ascii")

    @classmethod
    def decode(cls, value: str) -> "Cursor":
        """Raises `InvalidCursor` for anything that `encode` did not return."""
        try:
            micros, id_bytes = _LAYOUT.unpack(base64.b64decode(value, b"-_", validate=True))
            cursor = cls(_EPOCH + timedelta(microseconds=micros), uuid.UUID(bytes=id_bytes))
        except (ValueError, struct.error, OverflowError):
            raise InvalidCursor from None
        if cursor.encode() != value:
            raise InvalidCursor
        return cursor


FIRST: Final = Cursor(datetime.max.replace(tzinfo=UTC), uuid.UUID(int=2**128 - 1))
"""The position before the first item."""
