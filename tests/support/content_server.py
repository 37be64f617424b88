"""The content service alone, without auth, run inside a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import uvicorn

from duet_common.clock import Clock, utc_now
from duet_content.main import create_app
from duet_content.settings import ContentSettings


class _ServerWithoutSignals(uvicorn.Server):
    """A server that installs no signal handlers and sets `ready` once it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    # Ctrl-C belongs to pytest.
    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]  # nullcontext is enough
        return nullcontext()

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        self.ready.set()


@asynccontextmanager
async def running_content(settings: ContentSettings, clock: Clock = utc_now) -> AsyncIterator[str]:
    """Run content on a free port and yield its origin."""
    app = create_app(settings, clock)
    server = _ServerWithoutSignals(
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
