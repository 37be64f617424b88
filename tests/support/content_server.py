"""Content served by itself, without auth and the standalone, for a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import uvicorn

from duet_common.clock import Clock, utc_now
from duet_content.main import create_app
from duet_content.settings import ContentSettings


class _QuietServer(uvicorn.Server):
    """Leaves the signals to pytest, and says when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]  # wider, on purpose
        return nullcontext()

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        self.ready.set()


@asynccontextmanager
async def serving_content(settings: ContentSettings, clock: Clock = utc_now) -> AsyncIterator[str]:
    """The origin of a content on a free port."""
    app = create_app(settings, clock)
    server = _QuietServer(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
    )
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            await server.ready.wait()
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
