"""Time as a dependency: whatever expires or rotates is handed a `Clock`."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current instant, timezone-aware, in UTC."""


def utc_now() -> datetime:
    """The real clock. Only an application's edge names it; everything else takes a `Clock`."""
    return datetime.now(UTC)  # noqa: TID251 - the one place the ban exists for
