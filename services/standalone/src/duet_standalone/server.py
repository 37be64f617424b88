"""The uvicorn server of `make run` and of the tests."""

import socket
from collections.abc import Callable
from typing import Final

import uvicorn

from duet_common.web.server import MAX_WS_MESSAGE_BYTES, WS_DEFLATE, freeze_start
from duet_standalone.main import StandaloneApp

_DRAIN_SECONDS: Final = 10


class StandaloneServer(uvicorn.Server):
    """Serve a `StandaloneApp` whose lifespans the caller runs, and report when it is ready."""

    def __init__(self, standalone: StandaloneApp, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                standalone,
                lifespan="off",  # the caller runs it, so that a failure raises an exception there
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                ws="websockets-sansio",
                ws_max_size=MAX_WS_MESSAGE_BYTES,
                ws_per_message_deflate=WS_DEFLATE,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        self._standalone = standalone
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._standalone.ready()
        freeze_start()
        self._on_ready()
