"""A background task that calls a function again and again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

logger = logging.getLogger(__name__)


class PeriodicTask:
    """Wait, call, and repeat, from `start` until `stop`.

    `interval` returns the seconds to wait before the next call, and must not raise. An exception
    of the function is logged and does not end the task.
    """

    def __init__(
        self, name: str, function: Callable[[], Awaitable[None]], interval: Callable[[], float]
    ) -> None:
        self._name = name
        self._function = function
        self._interval = interval
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Cancel the task and wait until it has ended. Does nothing if it was never started."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval())
            try:
                await self._function()
            except Exception:
                logger.exception("Background task %s failed. It will run again.", self._name)
