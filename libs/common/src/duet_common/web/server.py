"""uvicorn as a pod runs it: one process, and a drain between SIGTERM and the end."""

import asyncio
import gc
import logging
import socket
from typing import Final

import uvicorn
from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from duet_common.web.runtime import Runtime, Service

logger = logging.getLogger(__name__)

MAX_WS_MESSAGE_BYTES: Final = 64 * 1024
# Compressing for each receiver costs more than it saves on short messages.
WS_DEFLATE: Final = False


class ServeSettings(BaseSettings):
    """What `serve` reads, beside the service's own settings."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    trusted_proxies: str = Field(
        "", description="networks, by comma, whose `X-Forwarded-For` is believed, from the right"
    )
    drain_seconds: PositiveInt = Field(
        20, description="from SIGTERM on, how long requests and WebSockets have to end"
    )


def freeze_start() -> None:
    """Tell the garbage collector to pass over what the start made: it lives as long as we do.

    Otherwise each full collection walks through all routes and schemas: 5 to 10 % of a read.
    """
    gc.collect()
    gc.freeze()


class DrainingServer(uvicorn.Server):
    """Fails readiness first, then drains, then closes.

    uvicorn alone closes every WebSocket at once, before the lifespan ends (Kludex/uvicorn#1344).
    """

    def __init__(self, app: Service[Runtime], settings: ServeSettings) -> None:
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
            logger.warning("the drain took over %d s", self._seconds)
        # What the WebSockets took is not given to the requests once more.
        taken = asyncio.get_running_loop().time() - began
        self.config.timeout_graceful_shutdown = max(1, round(self._seconds - taken))
        await super().shutdown(sockets)


def serve(app: Service[Runtime]) -> None:
    """Serve until SIGTERM or SIGINT."""
    DrainingServer(app, ServeSettings()).run()
