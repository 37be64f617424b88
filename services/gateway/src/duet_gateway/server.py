"""uvicorn, as both `make run` and the tests serve the gateway."""

import socket
from collections.abc import Callable
from typing import Final

import uvicorn

from duet_common.web.server import LARGEST_WS_MESSAGE, WS_DEFLATE, freeze_start
from duet_gateway.main import Gateway

_DRAIN_SECONDS: Final = 10


class GatewayServer(uvicorn.Server):
    """Serves a gateway whose lifespans run outside, and says when it is ready."""

    def __init__(self, gateway: Gateway, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                gateway,
                lifespan="off",  # the caller's, so that a failure is an exception, not a log line
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                ws="websockets-sansio",
                ws_max_size=LARGEST_WS_MESSAGE,
                ws_per_message_deflate=WS_DEFLATE,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        self._gateway = gateway
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._gateway.ready()
        freeze_start()
        self._on_ready()
