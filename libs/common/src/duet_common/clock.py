"""Time as a dependency: code in which something expires or rotates takes a `Clock`."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""A function that returns the current time, timezone-aware, in UTC."""


def utc_now() -> datetime:
    """Return the current time. Only entry points use this; other code takes a `Clock`."""
    return datetime.now(UTC)  # noqa: TID251 - the only place that may
