"""The performance proof: the pair beside a ceiling and beside the plain way, on one database.

`python -m tests.load.bench` starts all three, checks that they answer the same, loads one at a
time in interleaved rounds, and prints ratios: those travel between machines, absolute figures
do not.
"""

import argparse
import asyncio
import json
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from duet_standalone.errors import StartFailure
from duet_standalone.postgres import EmbeddedPostgres
from tests.load import seed, servers
from tests.load.failures import BenchFailure
from tests.load.generators import Generator, Load, find_generator
from tests.load.machine import Placement, facts, move, on
from tests.load.plain import issue_token
from tests.load.progress import Progress
from tests.load.report import CEILING, PAIR, PLAIN, TARGETS, Endpoint, Result, as_json, as_table

ENDPOINTS: Final = (
    Endpoint("GET users/me", "/api/v1/users/me", goal=0.30),
    Endpoint("GET posts, 20", "/api/v1/posts?limit=20", goal=0.35),
)
_WARM_UP_SECONDS: Final = 1
_INTERRUPTED: Final = 130


class Target:
    """A running server, and a token that it accepts."""

    def __init__(self, origin: str, token: str) -> None:
        self.origin = origin
        self.token = token

    def body(self, endpoint: Endpoint) -> Any:
        """What it answers; raises `BenchFailure` unless that is 200 with JSON."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(self.origin + endpoint.path, headers=headers, timeout=30)
        if answer.status_code != httpx.codes.OK:
            raise BenchFailure(f"{answer.url} answered {answer.status_code}: {answer.text}")
        return answer.json()


@contextmanager
def running_targets(folder: Path, placement: Placement) -> Iterator[Mapping[str, Target]]:
    """The pair, then the two others on its PostgreSQL; all stopped when the block ends."""
    with ExitStack() as stack:
        data = folder / "data"
        # The standalone server starts and stops PostgreSQL itself. This only stops it when that
        # server was killed.
        stack.push(EmbeddedPostgres(data))
        pair = stack.enter_context(servers.pair(data, folder / "pair.log", placement.server))
        postmaster = (data / "postgres" / "postmaster.pid").read_text().splitlines()[0]
        move(int(postmaster), placement.rest)

        urls = seed.database_urls(data)
        asyncio.run(seed.seed(urls))
        caller = asyncio.run(seed.register_user(pair, urls))
        asyncio.run(seed.settle(urls))

        secret = secrets.token_hex(32)
        environment = {
            "BENCH_AUTH_URL": urls.auth,
            "BENCH_CONTENT_URL": urls.content,
            "BENCH_USER_ID": str(caller.user_id),
            "BENCH_SESSION_ID": str(caller.session_id),
            "BENCH_SECRET": secret,
        }
        ceiling, plain = (
            stack.enter_context(
                servers.uvicorn_app(
                    f"tests.load.{name}:create_app",
                    environment,
                    folder / f"{name}.log",
                    placement.server,
                )
            )
            for name in (CEILING, PLAIN)
        )
        yield {
            CEILING: Target(ceiling, caller.access_token),
            PAIR: Target(pair, caller.access_token),
            PLAIN: Target(plain, issue_token(caller.user_id, secret)),
        }


def check_same_answers(targets: Mapping[str, Target]) -> None:
    """Raises `BenchFailure` unless the ceiling answers as the pair does, and plain the same data.

    The plain way pages by offset, so it has no cursor to compare.
    """
    for endpoint in ENDPOINTS:
        bodies = {name: target.body(endpoint) for name, target in targets.items()}
        expected = bodies[PAIR]
        if bodies[CEILING] != expected:
            raise BenchFailure(
                f"the ceiling answers {endpoint.path} with {bodies[CEILING]}, not {expected}"
            )
        data = {key: value for key, value in expected.items() if key != "next_cursor"}
        if bodies[PLAIN] != data:
            raise BenchFailure(
                f"the plain way answers {endpoint.path} with {bodies[PLAIN]}, not {data}"
            )


def measure(
    targets: Mapping[str, Target],
    generator: Generator,
    placement: Placement,
    options: argparse.Namespace,
) -> list[Result]:
    """One target at a time; its turn comes in every round, so that a slow minute hits them all."""
    progress = Progress()
    results = []
    for endpoint in ENDPOINTS:
        rates: dict[str, list[float]] = {name: [] for name in TARGETS}
        loads = {
            name: Load(target.origin + endpoint.path, target.token, options.connections)
            for name, target in targets.items()
        }
        with on(placement.rest):
            for load in loads.values():
                generator.measure(load, _WARM_UP_SECONDS)
            for round_ in range(1, options.rounds + 1):
                for name, load in loads.items():
                    rates[name].append(generator.measure(load, options.seconds))
                latest = ", ".join(f"{name} {rates[name][-1]:,.0f}/s" for name in TARGETS)
                progress.say(f"{endpoint.name}, round {round_} of {options.rounds}: {latest}")
        results.append(Result(endpoint, rates))
    progress.done()
    return results


def run(options: argparse.Namespace) -> int:
    """Raises `BenchFailure`."""
    generator = find_generator()
    placement = Placement.choose()
    machine = facts(placement) | {"load": f"{generator.name}, {options.connections} connections"}
    with (
        tempfile.TemporaryDirectory(prefix="duet-bench-") as folder,
        running_targets(Path(folder), placement) as targets,
    ):
        check_same_answers(targets)
        results = measure(targets, generator, placement, options)
    if options.json:
        report = {"machine": machine, "results": [as_json(result) for result in results]}
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        lines = [f"{name}: {value}" for name, value in machine.items()]
        sys.stdout.write("\n".join([*lines, "", as_table(results), ""]))
    missed = options.check and not all(result.goal_is_met for result in results)
    return 1 if missed else 0


def main() -> int:
    """The exit status: 1 when it fails, or with `--check` when a goal is missed."""
    options = _parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return run(options)
    except (BenchFailure, StartFailure) as failure:
        sys.stderr.write(f"bench: {failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("bench: stopped\n")
        return _INTERRUPTED


def _interrupt(*_: object) -> None:
    # Once only: a second Ctrl-C would leave servers behind.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load.bench",
        description="Measure the pair beside a ceiling (raw ASGI on asyncpg, no token checked) and "
        "beside the plain way (FastAPI, a session a request, ORM, HS256), with wrk or oha.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for name, default, text in (
        ("rounds", 5, "how often each target gets its turn"),
        ("seconds", 3, "how long a turn takes"),
        ("connections", 32, "open connections, each with one request at a time"),
    ):
        parser.add_argument(f"--{name}", type=_positive, default=default, metavar="N", help=text)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
