"""A cursor is exact to the microsecond, needs no escaping, and is refused if it is malformed."""

import base64
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from duet_common.db.keyset import FIRST, Cursor
from duet_common.errors import InvalidCursor
from duet_common.ids import new_id

CURSOR = Cursor(datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC), uuid.UUID(int=7))


@pytest.mark.parametrize(
    "cursor",
    [
        CURSOR,
        FIRST,
        Cursor(datetime.min.replace(tzinfo=UTC), uuid.UUID(int=0)),
        Cursor(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), new_id()),
    ],
    ids=["plain", "last-instant", "first-instant", "before-1970"],
)
def test_decoding_an_encoded_cursor_returns_it(cursor: Cursor) -> None:
    assert Cursor.decode(cursor.encode()) == cursor


def test_an_encoded_cursor_has_32_url_safe_characters() -> None:
    encoded = CURSOR.encode()

    assert len(encoded) == 32
    assert encoded.replace("-", "").replace("_", "").isalnum()


def test_the_time_zone_does_not_change_the_encoded_cursor() -> None:
    in_another_zone = CURSOR.at.astimezone(timezone(timedelta(hours=5)))

    assert Cursor(in_another_zone, CURSOR.id).encode() == CURSOR.encode()


def encode_micros(micros: int) -> str:
    return base64.urlsafe_b64encode(micros.to_bytes(8, "big", signed=True) + bytes(16)).decode()


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "random text", "x" * 31, CURSOR.encode()[:-1], CURSOR.encode()[:-4]),
        *(CURSOR.encode() + "AAAA", CURSOR.encode() + "=", CURSOR.encode() + "\n", "+" * 32),
        *("/" * 32, "ü" * 32, "\ud800", "\0" * 32, " " + CURSOR.encode(), "." * 32),
        *(encode_micros(2**63 - 1), encode_micros(-(2**63)), encode_micros(253402300800000000)),
    ],
    ids=ascii,
)
def test_a_malformed_cursor_is_refused(value: str) -> None:
    with pytest.raises(InvalidCursor):
        Cursor.decode(value)
