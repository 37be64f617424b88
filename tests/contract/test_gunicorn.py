"""Several workers on one machine, as docs/guides/operations.md starts them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from duet_common.testing.tokens import TokenFactory
from tests.support.metrics import Scrape
from tests.support.programs import Program, running_program

_GUNICORN = (
    str(Path(sys.executable).with_name("gunicorn")),
    *("--config", "python:duet_common.web.gunicorn"),
)
_READY = "startup complete"
_WORKERS = 2


@pytest.fixture
def several(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {
        **environment,
        "RATE_LIMIT_ENABLED": "false",
        "WEB_CONCURRENCY": str(_WORKERS),
        "TMPDIR": str(tmp_path),
    }


@pytest.fixture(params=["auth", "content"])
async def gunicorn(
    request: pytest.FixtureRequest, several: dict[str, str], tmp_path: Path
) -> AsyncIterator[Program]:
    command = (*_GUNICORN, f"duet_{request.param}.main:create_app()")
    async with running_program(command, several, tmp_path, _READY) as program:
        yield program


async def _scrape(program: Program) -> Scrape:
    """Of whichever worker takes the connection."""
    async with httpx.AsyncClient(base_url=program.url) as client:
        return Scrape.parse((await client.get("/metrics")).text)


def _workers(program: Program) -> set[int]:
    pid = program.process.pid
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def _counts(folder: Path) -> list[Path]:
    """The folders with what the workers counted."""
    return list(folder.glob("duet-metrics-*"))


async def _until_all_count(program: Program) -> None:
    """Each worker writes its gauges down once it has started, and takes connections before."""
    async with asyncio.timeout(20):
        most = 0.0
        while most != _WORKERS * 5:
            await asyncio.sleep(0.1)  # nothing announces it
            most = (await _scrape(program)).value("duet_db_pool_connections_max", pool="read")


async def test_one_scrape_counts_every_worker(gunicorn: Program) -> None:
    await _until_all_count(gunicorn)
    for _ in range(20):
        async with httpx.AsyncClient(base_url=gunicorn.url) as client:
            assert (await client.get("/nowhere")).status_code == 404
    for _ in range(4):
        shown = await _scrape(gunicorn)
        assert shown.value("http_requests_total", handler="none", status="404") == 20


async def test_a_worker_that_dies_is_replaced_and_counted_no_more(gunicorn: Program) -> None:
    await _until_all_count(gunicorn)
    killed = _workers(gunicorn).pop()
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(20):
        now: set[int] = set()
        while killed in now or len(now) != _WORKERS:
            await asyncio.sleep(0.1)  # nothing announces it
            now = _workers(gunicorn)
    await _until_all_count(gunicorn)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_it_drains_every_worker_and_clears_its_files(
    several: dict[str, str], tokens: TokenFactory, tmp_path: Path, told: signal.Signals
) -> None:
    command = (*_GUNICORN, "duet_content.main:create_app()")
    async with running_program(command, several, tmp_path, _READY) as program:
        await _until_all_count(program)
        assert _counts(tmp_path)
        async with AsyncExitStack() as stack:
            sockets = [
                await stack.enter_async_context(
                    connect(
                        f"{program.url.replace('http', 'ws', 1)}/ws/{number}",
                        subprotocols=[
                            Subprotocol("duet.v1"),
                            Subprotocol(f"bearer.{tokens.access_token()}"),
                        ],
                    )
                )
                for number in range(6)
            ]
            for socket in sockets:
                await socket.recv()  # the welcome
            program.process.send_signal(told)
            async with asyncio.timeout(10):
                await asyncio.gather(*(socket.wait_closed() for socket in sockets))
            assert [socket.close_code for socket in sockets] == [1012] * len(sockets)
        assert await program.wait() == 0
    assert not _counts(tmp_path)
