"""Graceful shutdown: readiness fails first, then WebSockets are closed, then requests end."""

import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

DrainCallback = Callable[[float], Awaitable[None]]
"""Closes long-lived connections (WebSockets), spread over the given number of seconds."""


class Drain:
    """One app's drain. While it runs, `/readyz` fails and responses close their connections."""

    def __init__(self) -> None:
        self.is_running = False
        self._callbacks: list[DrainCallback] = []

    def add(self, callback: DrainCallback) -> None:
        self._callbacks.append(callback)

    async def run(self, seconds: float) -> None:
        """Fail readiness, then await each callback in turn."""
        self.is_running = True
        logger.info("Draining: no longer ready, closing WebSockets.")
        for callback in self._callbacks:
            await callback(seconds)
