"""The load: `wrk`, or `oha` where there is no wrk."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.load.failures import BenchFailure

_INSTALL = """neither wrk nor oha is on the PATH; install one:
  apt-get install wrk
  brew install wrk
  cargo install oha"""
# Requests in flight when the time is up are no errors.
_OHA_DEADLINE = "aborted due to deadline"


@dataclass(frozen=True)
class Load:
    url: str
    token: str
    connections: int


@dataclass(frozen=True)
class Generator:
    """`measure` loads for some seconds and returns requests a second.

    It raises `BenchFailure` if an answer was not 2xx, a connection failed, or no answer came.
    """

    name: str
    measure: Callable[[Load, int], float]


def find_generator() -> Generator:
    """Raises `BenchFailure` when there is none."""
    if wrk := shutil.which("wrk"):
        return Generator("wrk", lambda load, s: parse_wrk(_run(_wrk_command(wrk, load, s))))
    if oha := shutil.which("oha"):
        flags = _oha_json_flags(oha)
        return Generator("oha", lambda load, s: parse_oha(_run(_oha_command(oha, flags, load, s))))
    raise BenchFailure(_INSTALL)


def parse_wrk(output: str) -> float:
    for line in output.splitlines():
        if "Non-2xx" in line or "Socket errors" in line:
            raise BenchFailure(f"wrk: {line.strip()}")
    found = re.search(r"^Requests/sec:\s+([\d.]+)", output, re.MULTILINE)
    if found is None:
        raise BenchFailure(f"wrk said nothing of its requests: {output}")
    return _positive(float(found[1]))


def parse_oha(output: str) -> float:
    try:
        result: dict[str, Any] = json.loads(output)
        rate = float(result["summary"]["requestsPerSec"])
        statuses: dict[str, int] = result["statusCodeDistribution"]
        errors: dict[str, int] = result["errorDistribution"]
    except (ValueError, KeyError, TypeError) as error:
        raise BenchFailure(f"oha printed another JSON than expected ({error!r})") from None
    bad = {status: n for status, n in statuses.items() if not status.startswith("2")}
    bad |= {what: n for what, n in errors.items() if what != _OHA_DEADLINE}
    if bad:
        raise BenchFailure(f"oha: {bad}")
    return _positive(rate)


def _positive(rate: float) -> float:
    if rate <= 0:
        raise BenchFailure("there was no answer at all")
    return rate


def _wrk_command(wrk: str, load: Load, seconds: int) -> list[str]:
    # One thread: it fills a Python server many times over, and PostgreSQL shares its core.
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
    # Since 1.9 it is an output format; before it was a switch.
    return ["--output-format", "json"] if "--output-format" in _run([oha, "--help"]) else ["--json"]


def _authorization(load: Load) -> str:
    return f"Authorization: Bearer {load.token}"


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip()
        raise BenchFailure(f"{command[0]} ended with {done.returncode}: {reason}")
    return done.stdout
