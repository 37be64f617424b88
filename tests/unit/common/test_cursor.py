"""The cursor: opaque, exact to the microsecond, and only ever one that we made."""

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
def test_a_cursor_survives_its_trip_to_the_client(cursor: Cursor) -> None:
    assert Cursor.decode(cursor.encode()) == cursor


def test_it_is_32_characters_that_need_no_escaping() -> None:
    encoded = CURSOR.encode()

    assert len(encoded) == 32
    assert encoded.replace("-", "").replace("_", "").isalnum()


def test_one_instant_has_one_cursor_in_every_time_zone() -> None:
    elsewhere = CURSOR.at.astimezone(timezone(timedelta(hours=5)))

    assert Cursor(elsewhere, CURSOR.id).encode() == CURSOR.encode()


def packed(micros: int) -> str:
    return base64.urlsafe_b64encode(micros.to_bytes(8, "big", signed=True) + bytes(16)).decode()


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "random text", "x" * 31, CURSOR.encode()[:-1], CURSOR.encode()[:-4]),
        *(CURSOR.encode() + "AAAA", CURSOR.encode() + "=", CURSOR.encode() + "\n", "+" * 32),
        *("/" * 32, "ü" * 32, "\ud800", "\0" * 32, " " + CURSOR.encode(), "." * 32),
        *(packed(2**63 - 1), packed(-(2**63)), packed(253402300800000000)),
    ],
    ids=ascii,
)
def test_what_we_did_not_make_is_refused(value: str) -> None:
    with pytest.raises(InvalidCursor):
        Cursor.decode(value)
