"""The drain of WebSockets and the shutdown of requests share one time limit."""

import asyncio

import pytest
import uvicorn

from duet_common.settings import ServeSettings
from duet_common.web.drain import Drain
from duet_common.web.runtime import Runtime, Service
from duet_common.web.server import DrainingServer


@pytest.mark.parametrize(("taken", "left"), [(0.0, 3), (1.0, 2), (9.0, 1)])
async def test_requests_get_the_time_that_the_websockets_leave(
    monkeypatch: pytest.MonkeyPatch, taken: float, left: int
) -> None:
    """Both together must end within the grace period of the pod."""
    timeouts: list[int | None] = []

    async def shutdown(server: uvicorn.Server, sockets: object = None) -> None:
        timeouts.append(server.config.timeout_graceful_shutdown)

    async def close_websockets(_: float) -> None:
        await asyncio.sleep(taken)

    monkeypatch.setattr(uvicorn.Server, "shutdown", shutdown)
    app = Service[Runtime]()
    app.drain = Drain()
    app.drain.add(close_websockets)
    await DrainingServer(app, ServeSettings(drain_seconds=3)).shutdown()
    assert timeouts == [left]
