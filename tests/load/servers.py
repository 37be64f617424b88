"""The three servers, each in its own process: the pair, the ceiling and the plain app."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.load.failures import BenchFailure
from tests.load.machine import Cores, pinned_to

_START_SECONDS: Final = 90
_STOP_SECONDS: Final = 30
_ROOT: Final = Path(__file__).resolve().parents[2]


@contextmanager
def pair(data: Path, log: Path, cores: Cores | None) -> Iterator[str]:
    """Run `duet-standalone` with its embedded PostgreSQL, like `make run`. Yields its origin."""
    port = _free_port()
    environment = {
        "DATA_DIR": str(data),
        "PORT": str(port),
        "RATE_LIMIT_ENABLED": "false",
        "LOG_LEVEL": "WARNING",
    }
    program = Path(sys.executable).with_name("duet-standalone")
    with _serving([str(program)], environment, port, log, cores) as origin:
        yield origin


@contextmanager
def uvicorn_app(
    app: str, environment: Mapping[str, str], log: Path, cores: Cores | None
) -> Iterator[str]:
    """Run an app factory on uvicorn, with the standalone server's options. Yields its origin."""
    port = _free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "--factory", app, "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header"),
        *("--no-proxy-headers", "--log-level", "warning"),
    ]
    with _serving(command, environment, port, log, cores) as origin:
        yield origin


@contextmanager
def _serving(
    command: list[str],
    environment: Mapping[str, str],
    port: int,
    log: Path,
    cores: Cores | None,
) -> Iterator[str]:
    with log.open("wb") as output, pinned_to(cores):
        process = subprocess.Popen(
            command,
            cwd=_ROOT,
            env={**_clean_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches only the benchmark, which stops the servers
        )
    origin = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, origin, log)
        yield origin
    finally:
        _stop(process)


def _wait_until_ready(process: "subprocess.Popen[bytes]", origin: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchFailure(f"a server exited:\n{log.read_text(errors='replace')}")
        try:
            # Any response means that the server is ready. The standalone server listens earlier,
            # but it responds only when it is ready.
            httpx.get(origin, timeout=_START_SECONDS)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise BenchFailure(f"a server was not ready within {_START_SECONDS} s; see its log {log}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _clean_environment() -> dict[str, str]:
    """Return the environment without a developer's settings, such as DATABASE_URL."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}
