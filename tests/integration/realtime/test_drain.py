"""A process that goes away says so: not ready first, and WebSockets closed with 1012."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from duet_common.testing.tokens import TokenFactory
from tests.integration.realtime.conftest import Serve, hub_of
from tests.support.running_duet import Duet
from tests.support.websocket_client import talking


@pytest.fixture
async def leaving(serve: Serve) -> AsyncIterator[Duet]:
    """A pair of the test's own, which it may send away."""
    async with serve() as duet:
        yield duet


async def test_every_websocket_is_closed_with_1012(leaving: Duet, tokens: TokenFactory) -> None:
    async with (
        talking(leaving, tokens.access_token(), "one") as one,
        talking(leaving, tokens.access_token(), "two") as two,
    ):
        assert (await one.hear())["type"] == "welcome"
        assert (await two.hear())["type"] == "welcome"

        await leaving.content.drain.run(0.01)

        assert list(await asyncio.gather(one.closed(), two.closed())) == [1012, 1012]
    assert len(hub_of(leaving)) == 0


async def test_it_is_not_ready_and_gives_its_connections_up(leaving: Duet) -> None:
    transport = httpx.ASGITransport(leaving.content)
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as pod:
        assert (await pod.get("/readyz")).json()["status"] == "ok"

        await leaving.content.drain.run(0.01)

        ready = await pod.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        alive = await pod.get("/livez")
        assert (alive.status_code, alive.headers["connection"]) == (200, "close")
