"""A draining service is not ready and closes its WebSockets with 1012."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from duet_common.testing.tokens import TokenFactory
from tests.integration.realtime.conftest import RunDuet, hub_of
from tests.support.running_duet import Duet
from tests.support.websocket_client import open_websocket


@pytest.fixture
async def own_duet(run_duet: RunDuet) -> AsyncIterator[Duet]:
    """Services for one test, because draining cannot be undone."""
    async with run_duet() as duet:
        yield duet


async def test_draining_closes_every_websocket_with_1012(
    own_duet: Duet, tokens: TokenFactory
) -> None:
    async with (
        open_websocket(own_duet, tokens.access_token(), "one") as one,
        open_websocket(own_duet, tokens.access_token(), "two") as two,
    ):
        assert (await one.receive())["type"] == "welcome"
        assert (await two.receive())["type"] == "welcome"

        await own_duet.content.drain.run(0.01)

        assert list(await asyncio.gather(one.close_code(), two.close_code())) == [1012, 1012]
    assert len(hub_of(own_duet)) == 0


async def test_a_draining_service_is_not_ready_and_closes_http_connections(own_duet: Duet) -> None:
    transport = httpx.ASGITransport(own_duet.content)
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as pod:
        assert (await pod.get("/readyz")).json()["status"] == "ok"

        await own_duet.content.drain.run(0.01)

        ready = await pod.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        alive = await pod.get("/livez")
        assert (alive.status_code, alive.headers["connection"]) == (200, "close")
