"""Programs that a test runs in other processes, with only the environment that it gives them."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

STANDALONE = (str(Path(sys.executable).with_name("duet-standalone")),)
CONTENT = (
    *(sys.executable, "-m", "uvicorn", "--factory", "duet_content.main:create_app"),
    *("--host", "127.0.0.1", "--port", "0"),
)
# Set by `make coverage`; with it, a Python program measures itself.
_COVERAGE = {k: v for k, v in os.environ.items() if k == "COVERAGE_PROCESS_CONFIG"}
_URL = re.compile(r"http://[0-9.]+:[0-9]+")
_SECONDS = 30


class Program:
    """A running program that has printed the URL that it serves."""

    def __init__(
        self, process: asyncio.subprocess.Process, url: str, remaining_output: asyncio.Task[str]
    ):
        self.process = process
        self.url = url
        self._remaining_output = remaining_output

    def kill(self) -> None:
        """Send SIGKILL, so that the program cannot clean up."""
        self.process.send_signal(signal.SIGKILL)

    async def interrupt(self) -> int:
        """Send SIGINT, as Ctrl-C does, and return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return await self.wait()

    async def wait(self) -> int:
        """Return the exit status once the program has exited."""
        async with asyncio.timeout(_SECONDS):
            return await self.process.wait()

    async def output(self) -> str:
        """Return what the program printed after it was ready, once it has exited."""
        return await self._remaining_output


@asynccontextmanager
async def running_program(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    ready: str = "running on|is ready at",
) -> AsyncIterator[Program]:
    """Run a program in a folder and yield it once it is ready; at the end, interrupt it.

    The program is ready once its output matches the regular expression `ready`. It must have
    printed its URL by then.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**_COVERAGE, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    output = ""
    try:
        async with asyncio.timeout(_SECONDS):
            while not re.search(ready, output):
                line = await process.stdout.readline()
                assert line, f"the program exited before it was ready: {output}"
                output += line.decode()
        url = _URL.findall(output)[-1]
        remaining_output = asyncio.create_task(_read(process.stdout))
        program = Program(process, url, remaining_output)
        yield program
        if process.returncode is None:
            await program.interrupt()
        await remaining_output
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # and its worker processes
            await process.wait()


class ExitedProgram(NamedTuple):
    """How a program ended, and what it printed."""

    status: int
    output: str
    errors: str


async def run_program(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    stdin: str = "",
    seconds: float = _SECONDS,
) -> ExitedProgram:
    """Run a program to its end, in a folder, with nothing but this environment."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**_COVERAGE, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return ExitedProgram(process.returncode, output.decode(), errors.decode())


async def run_to_exit(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> tuple[int, str]:
    """Exit status and standard error of a program that should end at once."""
    end = await run_program(command, environment, folder)
    return end.status, end.errors


def standalone_environment(data: Path, **changes: str) -> dict[str, str]:
    """Return environment variables for `duet-standalone`; `changes` add to them or replace them."""
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


def is_postgres_running(data: Path) -> bool:
    """Return whether the process in the data folder's `postmaster.pid` is alive."""
    try:
        pid = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


async def _read(stream: asyncio.StreamReader) -> str:
    return (await stream.read()).decode()
