"""Going away without a failed request: not ready first, then the WebSockets, then the rest."""

import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette

logger = logging.getLogger(__name__)

Ending = Callable[[float], Awaitable[None]]
"""Ends what would outlive the requests (WebSockets), spread over so many seconds."""


class Drain:
    """One app's way out. While it runs, `/readyz` fails and answers close their connections."""

    def __init__(self) -> None:
        self.is_running = False
        self._endings: list[Ending] = []

    def add(self, ending: Ending) -> None:
        self._endings.append(ending)

    async def run(self, seconds: float) -> None:
        self.is_running = True
        logger.info("draining")
        for ending in self._endings:
            await ending(seconds)


def drain_of(app: Starlette) -> Drain:
    drain = app.state.drain
    if not isinstance(drain, Drain):
        raise TypeError("the app has no drain")
    return drain
