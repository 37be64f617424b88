"""`duet-auth serve` and `duet-content serve`, as a pod runs them."""

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
async def test_it_is_ready_and_ends_with_sigterm(
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
        offered = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{tokens.access_token()}")]
        url = f"{program.url.replace('http', 'ws', 1)}/ws/pod"
        async with connect(url, subprotocols=offered) as socket:
            await socket.recv()  # the welcome
            program.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
            assert socket.close_code == 1012
        await program.wait()


async def test_only_a_trusted_proxy_is_believed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Counted from the right: what a client put in front of the proxy's own entry is its own."""
    command = (str(PROGRAMS / "duet-content"), "serve")
    changed = {**environment, "RATE_LIMIT_ADDRESS": "2"}
    async with (
        running_program(command, changed, tmp_path) as program,
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
