"""The data of events has the form that docs/reference/events.md promises."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from duet_auth.events.schemas import EventData, TokensRevokedBefore, UserNames
from duet_common.ids import new_id

_PAGE = Path(__file__).parents[3] / "docs/reference/events.md"


def _types() -> list[type[EventData]]:
    return [
        *(t for t in EventData.__subclasses__() if t is not UserNames),
        *UserNames.__subclasses__(),
    ]


@pytest.mark.parametrize("kind", _types(), ids=lambda kind: kind.type)
def test_the_reference_lists_every_type_with_its_data(kind: type[EventData]) -> None:
    rows = _PAGE.read_text(encoding="utf-8").splitlines()
    (row,) = (row for row in rows if row.startswith(f"| `{kind.type}` |"))

    for name in kind.model_fields:
        assert f"`{name}`" in row


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "2026-07-01T12:00:00.000Z"),
        (datetime(2026, 7, 1, 12, microsecond=7000, tzinfo=UTC), "2026-07-01T12:00:00.007Z"),
        (
            datetime(2026, 7, 1, 14, microsecond=999_000, tzinfo=timezone(timedelta(hours=2))),
            "2026-07-01T12:00:00.999Z",
        ),
    ],
)
def test_an_instant_is_in_utc_with_milliseconds(before: datetime, text: str) -> None:
    event = TokensRevokedBefore(user_id=new_id(), before=before)

    assert event.model_dump(mode="json")["before"] == text
