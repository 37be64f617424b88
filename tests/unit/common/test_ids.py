"""UUIDv7 ids sort by age, and contain the millisecond in which they were made."""

from datetime import UTC, datetime, timedelta

import pytest

from duet_common.clock import utc_now
from duet_common.ids import milliseconds_of, new_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_ids_increase() -> None:
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(set(ids))


def test_an_id_contains_the_current_millisecond() -> None:
    before = utc_now().replace(microsecond=0).timestamp() * 1000

    assert before <= milliseconds_of(new_id()) <= utc_now().timestamp() * 1000


@pytest.mark.parametrize("milliseconds", [1, 999, 1_782_907_200_001, 1_782_907_200_999])
def test_an_id_can_be_made_for_an_exact_millisecond(milliseconds: int) -> None:
    instant = _EPOCH + timedelta(milliseconds=milliseconds, microseconds=999)

    ids = {new_id(instant) for _ in range(10)}

    assert len(ids) == 10
    assert {milliseconds_of(id_) for id_ in ids} == {milliseconds}
    assert {id_.version for id_ in ids} == {7}
