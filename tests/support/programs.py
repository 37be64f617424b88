"""Programs run for a test as people run them: other processes, with an environment of their own."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

STANDALONE = (str(Path(sys.executable).with_name("duet-standalone")),)
CONTENT = (
    *(sys.executable, "-m", "uvicorn", "--factory", "duet_content.main:create_app"),
    *("--host", "127.0.0.1", "--port", "0"),
)
_URL = re.compile(r"http://[0-9.]+:[0-9]+")
_SECONDS = 30


class Program:
    """A running program that has said where it serves."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, rest: asyncio.Task[str]):
        self.process = process
        self.url = url
        self._rest = rest

    def kill(self) -> None:
        """As the kernel does when memory is short: no time for anything."""
        self.process.send_signal(signal.SIGKILL)

    async def interrupt(self) -> int:
        """Ctrl-C, and its exit status."""
        self.process.send_signal(signal.SIGINT)
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(_SECONDS):
            return await self.process.wait()

    async def output(self) -> str:
        """What it said after it was ready, once it has ended."""
        return await self._rest


@asynccontextmanager
async def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    ready: str = "running on|is ready at",
) -> AsyncIterator[Program]:
    """A program in a folder, with nothing but this environment; interrupted in the end.

    It serves once what it says matches `ready`, and has named its URL by then.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(_SECONDS):
            while not re.search(ready, said):
                line = await process.stdout.readline()
                assert line, f"ended before it served: {said}"
                said += line.decode()
        url = _URL.findall(said)[-1]
        rest = asyncio.create_task(_read(process.stdout))
        program = Program(process, url, rest)
        yield program
        if process.returncode is None:
            await program.interrupt()
        await rest
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # its workers, too
            await process.wait()


async def failing(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> tuple[int, str]:
    """Exit status and standard error of a program that should end at once."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()


def standalone_environment(data: Path, **changes: str) -> dict[str, str]:
    """What `duet-standalone` is told; a free port unless one is given."""
    return {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(data),
        "PORT": str(free_port()),
        "RATE_LIMIT_ENABLED": "false",
        "LOG_LEVEL": "WARNING",
        **changes,
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def postgres_runs_in(data: Path) -> bool:
    """Whether the folder's PostgreSQL is alive, by the pid that it wrote there."""
    try:
        pid = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


async def _read(stream: asyncio.StreamReader) -> str:
    return (await stream.read()).decode()
