"""PostgreSQL's notifications (LISTEN), received on a connection of their own."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import asyncpg

from duet_common.db.database import asyncpg_url

logger = logging.getLogger(__name__)

_CHECK_SECONDS: Final = 0.5
_MIN_PAUSE_SECONDS: Final = 0.1
_MAX_PAUSE_SECONDS: Final = 2.0
_CLOSE_SECONDS: Final = 1.0


class NotificationListener:
    """Calls a function for each notification of a channel, from `start` until `stop`.

    The connection is checked twice a second and opened again when it is lost. The function is also
    called whenever `is_listening` has changed, because notifications may have been missed; a caller
    has to poll while it is False. A pooler in transaction mode cannot serve such a connection.
    """

    def __init__(
        self, url: str, channel: str, application_name: str, on_notify: Callable[[], None]
    ) -> None:
        self._url = asyncpg_url(url).set(drivername="postgresql")
        self._channel = channel
        self._application_name = application_name
        self._on_notify = on_notify
        self._task: asyncio.Task[None] | None = None
        self.is_listening = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"listener-{self._channel}")

    async def stop(self) -> None:
        """Close the connection. Does nothing if the listener was never started."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        pause = _MIN_PAUSE_SECONDS
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if self.is_listening:
                    pause = _MIN_PAUSE_SECONDS
                    logger.warning(
                        "The listener of %s lost its connection (%r). It connects again.",
                        self._channel,
                        error,
                    )
            self._set_listening(False)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Listen until the connection is lost, which raises the error of a check."""
        connection = await asyncpg.connect(
            self._url.render_as_string(hide_password=False),
            timeout=_MAX_PAUSE_SECONDS,
            server_settings={"application_name": self._application_name},
        )
        try:
            await connection.add_listener(self._channel, lambda *_: self._on_notify())
            self._set_listening(True)
            while True:
                await asyncio.sleep(_CHECK_SECONDS)
                await connection.execute("SELECT 1", timeout=_CHECK_SECONDS)
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=_CLOSE_SECONDS)

    def _set_listening(self, is_listening: bool) -> None:
        if self.is_listening != is_listening:
            self.is_listening = is_listening
            self._on_notify()
