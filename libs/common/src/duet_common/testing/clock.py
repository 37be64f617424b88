"""Clocks for tests."""

from datetime import UTC, datetime, timedelta
from typing import Final

from duet_common.clock import utc_now

_NOON: Final = datetime(2026, 7, 1, 12, tzinfo=UTC)


class FrozenClock:
    """A `Clock` that only moves when a test moves it. It starts at a whole second."""

    def __init__(self, now: datetime = _NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class AdjustableClock:
    """The current time plus what `advance` has added, for a running service."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by

    def reset(self) -> None:
        self._ahead = timedelta(0)
