"""gunicorn runs several workers on one machine, as docs/guides/operations.md describes."""

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
def gunicorn_environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {
        **environment,
        "RATE_LIMIT_ENABLED": "false",
        "WEB_CONCURRENCY": str(_WORKERS),
        "TMPDIR": str(tmp_path),
    }


@pytest.fixture(params=["auth", "content"])
async def gunicorn(
    request: pytest.FixtureRequest, gunicorn_environment: dict[str, str], tmp_path: Path
) -> AsyncIterator[Program]:
    command = (*_GUNICORN, f"duet_{request.param}.main:create_app()")
    async with running_program(command, gunicorn_environment, tmp_path, _READY) as program:
        yield program


async def _scrape(program: Program) -> Scrape:
    """Return the metrics from whichever worker accepts the connection."""
    async with httpx.AsyncClient(base_url=program.url) as client:
        return Scrape.parse((await client.get("/metrics")).text)


def _workers(program: Program) -> set[int]:
    """Return the process ids of the workers."""
    pid = program.process.pid
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def _metrics_folders(folder: Path) -> list[Path]:
    """Return the folders that the workers write their metrics to."""
    return list(folder.glob("duet-metrics-*"))


async def _wait_for_all_workers(program: Program) -> None:
    """Wait until every worker reports metrics. A worker accepts connections before it does."""
    async with asyncio.timeout(20):
        connections = 0.0
        while connections != _WORKERS * 5:
            await asyncio.sleep(0.1)  # there is no event to wait for
            connections = (await _scrape(program)).value(
                "duet_db_pool_connections_max", pool="read"
            )


async def test_one_scrape_includes_every_worker(gunicorn: Program) -> None:
    await _wait_for_all_workers(gunicorn)
    for _ in range(20):
        async with httpx.AsyncClient(base_url=gunicorn.url) as client:
            assert (await client.get("/nowhere")).status_code == 404
    for _ in range(4):
        scraped = await _scrape(gunicorn)
        assert scraped.value("http_requests_total", handler="none", status="404") == 20


async def test_a_killed_worker_is_replaced_and_no_longer_counted(gunicorn: Program) -> None:
    await _wait_for_all_workers(gunicorn)
    killed = _workers(gunicorn).pop()
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(20):
        workers: set[int] = set()
        while killed in workers or len(workers) != _WORKERS:
            await asyncio.sleep(0.1)  # there is no event to wait for
            workers = _workers(gunicorn)
    await _wait_for_all_workers(gunicorn)


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
async def test_gunicorn_drains_every_worker_and_deletes_its_metrics(
    gunicorn_environment: dict[str, str],
    tokens: TokenFactory,
    tmp_path: Path,
    stop_signal: signal.Signals,
) -> None:
    command = (*_GUNICORN, "duet_content.main:create_app()")
    async with running_program(command, gunicorn_environment, tmp_path, _READY) as program:
        await _wait_for_all_workers(program)
        assert _metrics_folders(tmp_path)
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
                await socket.recv()  # the welcome message
            program.process.send_signal(stop_signal)
            async with asyncio.timeout(10):
                await asyncio.gather(*(socket.wait_closed() for socket in sockets))
            assert [socket.close_code for socket in sockets] == [1012] * len(sockets)
        assert await program.wait() == 0
    assert not _metrics_folders(tmp_path)
