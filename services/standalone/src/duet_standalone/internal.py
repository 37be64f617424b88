"""The listener for auth's internal paths, which only processes of this machine can reach."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from duet_auth.runtime import AuthRuntime
from duet_common.errors import NotFound
from duet_common.web.problems import problem_response
from duet_common.web.runtime import Service

_PREFIX: Final = "/internal/"
_DRAIN_SECONDS: Final = 2


class InternalApp:
    """Passes requests for internal paths on, and answers all others with 404."""

    def __init__(self, auth: ASGIApp) -> None:
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_PREFIX):
            await self._auth(scope, receive, send)
        else:
            await problem_response(NotFound())(scope, receive, send)


class _InternalServer(uvicorn.Server):
    """A server without signal handlers: those of the public server stop both."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]  # nullcontext is enough
        return nullcontext()


def listen_on_loopback() -> socket.socket:
    """Bind a free port of 127.0.0.1. A request waits until the server runs."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    # asyncio sets this only on sockets that it creates. Without it, responses are 40 ms late.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def origin_of(listener: socket.socket) -> str:
    """Return the origin of the URLs that reach a listener of `listen_on_loopback`."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def serving_internal(
    auth: Service[AuthRuntime], listener: socket.socket
) -> AsyncIterator[None]:
    """Serve auth's internal paths within the block. The caller runs auth's lifespan."""
    server = _InternalServer(
        uvicorn.Config(
            InternalApp(auth),
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="internal-server")
    try:
        yield
    finally:
        auth.runtime.feed.end_waits()  # otherwise the server would wait for them
        server.should_exit = True
        await serving
