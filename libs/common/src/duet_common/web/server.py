"""uvicorn as a pod runs it: one process, and a drain between SIGTERM and the end."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import uvicorn
from fastapi import FastAPI
from pydantic import Field, PositiveInt, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

logger = logging.getLogger(__name__)

LARGEST_WS_MESSAGE: Final = 64 * 1024
Drain = Callable[[float], Awaitable[None]]
"""Ends what would outlive the requests (WebSockets), within so many seconds."""


class ServeSettings(BaseSettings):
    """What `serve` reads, beside the service's own settings."""

    model_config = SettingsConfigDict(extra="ignore")

    host: str = Field("0.0.0.0", description="address to listen on")  # noqa: S104 - a pod's
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="networks, by comma, whose `X-Forwarded-For` is believed, from the right",
    )
    drain_seconds: PositiveInt = Field(
        20, description="from SIGTERM on, how long requests and WebSockets have to end"
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()]
            if isinstance(value, str)
            else value
        )


class DrainingServer(uvicorn.Server):
    """Fails readiness first, then drains, then closes.

    uvicorn alone closes every WebSocket at once, before the lifespan ends (Kludex/uvicorn#1344).
    """

    def __init__(self, app: FastAPI, settings: ServeSettings) -> None:
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
                forwarded_allow_ips=settings.trusted_proxies,
                ws="websockets-sansio",
                ws_max_size=LARGEST_WS_MESSAGE,
                timeout_graceful_shutdown=settings.drain_seconds,
            )
        )
        self._app = app
        self._drain_seconds = settings.drain_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.draining.set()
        drain: Drain | None = self._app.state.drain
        if drain is not None:
            try:
                async with asyncio.timeout(self._drain_seconds):
                    await drain(self._drain_seconds)
            except TimeoutError:
                logger.warning("the drain took over %d s", self._drain_seconds)
        await super().shutdown(sockets)


def serve(app: FastAPI) -> None:
    """Serve until SIGTERM or SIGINT."""
    DrainingServer(app, ServeSettings()).run()
