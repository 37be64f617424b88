"""`duet-auth serve` and `duet-content serve` run as in a pod."""

import asyncio
import signal
import sys
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from duet_common.testing.tokens import TokenFactory
from tests.support.programs import running_program

PROGRAMS = Path(sys.executable).parent


@pytest.mark.parametrize("service", ["auth", "content"])
async def test_a_service_becomes_ready_and_exits_on_sigterm(
    service: str, environment: dict[str, str], tmp_path: Path
) -> None:
    command = (str(PROGRAMS / f"duet-{service}"), "serve")
    async with running_program(command, environment, tmp_path) as program:
        async with httpx.AsyncClient(base_url=program.url) as client:
            assert (await client.get("/readyz")).json()["status"] == "ok"
        program.process.send_signal(signal.SIGTERM)

        assert await program.wait() in (0, -signal.SIGTERM)


async def test_sigterm_closes_websockets_with_1012(
    environment: dict[str, str], tokens: TokenFactory, tmp_path: Path
) -> None:
    command = (str(PROGRAMS / "duet-content"), "serve")
    async with running_program(command, environment, tmp_path) as program:
        subprotocols = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{tokens.access_token()}")]
        url = f"{program.url.replace('http', 'ws', 1)}/ws/pod"
        async with connect(url, subprotocols=subprotocols) as socket:
            await socket.recv()  # the welcome message
            program.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
            assert socket.close_code == 1012
        await program.wait()


async def test_a_client_cannot_forge_its_address_behind_a_trusted_proxy(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The proxy appends the rightmost entry. The client can write any entries before it."""
    command = (str(PROGRAMS / "duet-content"), "serve")
    with_rate_limit = {**environment, "RATE_LIMIT_ADDRESS": "2"}
    async with (
        running_program(command, with_rate_limit, tmp_path) as program,
        httpx.AsyncClient(base_url=program.url) as client,
    ):
        statuses = [
            (
                await client.get(
                    "/api/v1/posts", headers={"X-Forwarded-For": f"1.1.1.{forged}, 198.51.100.7"}
                )
            ).status_code
            for forged in range(3)
        ]
        other = await client.get("/api/v1/posts", headers={"X-Forwarded-For": "198.51.100.8"})

    assert statuses == [200, 200, 429]
    assert other.status_code == 200
