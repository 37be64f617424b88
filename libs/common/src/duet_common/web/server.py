"""uvicorn as a pod runs it: one process that drains after SIGTERM."""

import asyncio
import gc
import logging
import socket
from typing import TYPE_CHECKING, Final

import uvicorn

from duet_common.settings import ServeSettings

if TYPE_CHECKING:  # gunicorn imports this module before prometheus_client may be imported
    from duet_common.web.runtime import Runtime, Service

logger = logging.getLogger(__name__)

MAX_WS_MESSAGE_BYTES: Final = 64 * 1024
# Compressing a short message for each receiver costs more than it saves.
WS_DEFLATE: Final = False


def freeze_start() -> None:
    """Exclude the objects that exist after startup from garbage collection.

    They live as long as the process. Otherwise each full collection would visit all routes and
    schemas, which costs 5 to 10 % of a read.
    """
    gc.collect()
    gc.freeze()


class DrainingServer(uvicorn.Server):
    """A server that fails readiness first, then drains, then closes.

    uvicorn by itself closes all WebSockets at once, before the lifespan ends (Kludex/uvicorn#1344).
    """

    def __init__(self, app: "Service[Runtime]", settings: ServeSettings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=settings.trusted_proxies or None,
                ws="websockets-sansio",
                ws_max_size=MAX_WS_MESSAGE_BYTES,
                ws_per_message_deflate=WS_DEFLATE,
            )
        )
        self._app = app
        self._seconds = settings.drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        freeze_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._seconds):
                await self._app.drain.run(self._seconds / 2)
        except TimeoutError:
            logger.warning("The drain did not end within %d s.", self._seconds)
        # Requests get the time that is left, so that both stay within DRAIN_SECONDS.
        taken = asyncio.get_running_loop().time() - began
        self.config.timeout_graceful_shutdown = max(1, round(self._seconds - taken))
        await super().shutdown(sockets)


def serve(app: "Service[Runtime]") -> None:
    """Serve until SIGTERM or SIGINT."""
    DrainingServer(app, ServeSettings()).run()
