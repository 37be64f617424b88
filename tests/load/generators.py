"""Load generators: `wrk`, or `oha` if wrk is not installed."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.load.failures import BenchFailure

_INSTALL = """neither wrk nor oha is installed; install one of them:
  apt-get install wrk
  brew install wrk
  cargo install oha"""
# oha reports the requests in flight at the deadline as errors. They are not counted as failures.
_OHA_DEADLINE = "aborted due to deadline"


@dataclass(frozen=True)
class Load:
    """The requests of a measurement. Every request sends the token."""

    url: str
    token: str
    connections: int


@dataclass(frozen=True)
class Generator:
    """A load generator. `measure` runs for a number of seconds and returns requests per second.

    It raises `BenchFailure` if a response is not 2xx, a connection fails, or there is no response.
    """

    name: str
    measure: Callable[[Load, int], float]


def find_generator() -> Generator:
    """Return an installed generator. Raises `BenchFailure` if there is none."""
    if wrk := shutil.which("wrk"):
        return Generator("wrk", lambda load, s: parse_wrk(_run(_wrk_command(wrk, load, s))))
    if oha := shutil.which("oha"):
        flags = _oha_json_flags(oha)
        return Generator("oha", lambda load, s: parse_oha(_run(_oha_command(oha, flags, load, s))))
    raise BenchFailure(_INSTALL)


def parse_wrk(output: str) -> float:
    """Return the requests per second in wrk's output. Raises `BenchFailure` if some failed."""
    for line in output.splitlines():
        if "Non-2xx" in line or "Socket errors" in line:
            raise BenchFailure(f"wrk: {line.strip()}")
    found = re.search(r"^Requests/sec:\s+([\d.]+)", output, re.MULTILINE)
    if found is None:
        raise BenchFailure(f"wrk's output has no 'Requests/sec' line: {output}")
    return _positive(float(found[1]))


def parse_oha(output: str) -> float:
    """Return the requests per second in oha's JSON. Raises `BenchFailure` if some failed."""
    try:
        result: dict[str, Any] = json.loads(output)
        rate = float(result["summary"]["requestsPerSec"])
        statuses: dict[str, int] = result["statusCodeDistribution"]
        errors: dict[str, int] = result["errorDistribution"]
    except (ValueError, KeyError, TypeError) as error:
        raise BenchFailure(f"oha's JSON has an unexpected format ({error!r})") from None
    bad = {status: n for status, n in statuses.items() if not status.startswith("2")}
    bad |= {error: n for error, n in errors.items() if error != _OHA_DEADLINE}
    if bad:
        raise BenchFailure(f"oha: {bad}")
    return _positive(rate)


def _positive(rate: float) -> float:
    if rate <= 0:
        raise BenchFailure("the server did not respond to any request")
    return rate


def _wrk_command(wrk: str, load: Load, seconds: int) -> list[str]:
    # One thread saturates a Python server easily, and it shares its cores with PostgreSQL.
    return [
        *(wrk, "--threads", "1", "--connections", str(load.connections)),
        *("--duration", f"{seconds}s", "--header", _authorization(load), load.url),
    ]


def _oha_command(oha: str, json_flags: list[str], load: Load, seconds: int) -> list[str]:
    return [
        *(oha, "--no-tui", *json_flags, "-z", f"{seconds}s", "-c", str(load.connections)),
        *("-H", _authorization(load), load.url),
    ]


def _oha_json_flags(oha: str) -> list[str]:
    # oha 1.9 replaced the flag `--json` with an output format.
    return ["--output-format", "json"] if "--output-format" in _run([oha, "--help"]) else ["--json"]


def _authorization(load: Load) -> str:
    return f"Authorization: Bearer {load.token}"


def _run(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = (result.stderr or result.stdout).strip()
        raise BenchFailure(f"{command[0]} failed with exit code {result.returncode}: {reason}")
    return result.stdout
