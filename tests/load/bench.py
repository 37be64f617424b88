"""Benchmark that compares the pair of services with a ceiling and with a plain FastAPI app.

`python -m tests.load.bench` starts all three on one PostgreSQL server and checks that they return
the same data. It loads them one at a time in interleaved rounds and prints ratios, because ratios
are comparable between machines and absolute figures are not.
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
from tests.load.machine import Placement, describe_machine, pin_process, pinned_to
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
        """Return the JSON body of the response. Raises `BenchFailure` unless its status is 200."""
        headers = {"Authorization": f"Bearer {self.token}"}
        response = httpx.get(self.origin + endpoint.path, headers=headers, timeout=30)
        if response.status_code != httpx.codes.OK:
            raise BenchFailure(f"{response.url} returned {response.status_code}: {response.text}")
        return response.json()


@contextmanager
def running_targets(folder: Path, placement: Placement) -> Iterator[Mapping[str, Target]]:
    """Start the pair and the other two targets on its PostgreSQL. Stop all when the block ends."""
    with ExitStack() as stack:
        data = folder / "data"
        # The standalone server starts and stops PostgreSQL itself. This line stops PostgreSQL only
        # if that server was killed.
        stack.push(EmbeddedPostgres(data))
        pair = stack.enter_context(servers.pair(data, folder / "pair.log", placement.server))
        postmaster = (data / "postgres" / "postmaster.pid").read_text().splitlines()[0]
        pin_process(int(postmaster), placement.rest)

        urls = seed.database_urls(data)
        asyncio.run(seed.seed(urls))
        caller = asyncio.run(seed.register_user(pair, urls))
        asyncio.run(seed.vacuum(urls))

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


def check_same_responses(targets: Mapping[str, Target]) -> None:
    """Check that all targets return the same data. Raises `BenchFailure` if they do not.

    The plain app paginates by offset, so it has no cursor to compare.
    """
    for endpoint in ENDPOINTS:
        bodies = {name: target.body(endpoint) for name, target in targets.items()}
        expected = bodies[PAIR]
        if bodies[CEILING] != expected:
            raise BenchFailure(
                f"{endpoint.path}: the ceiling returned {bodies[CEILING]}, expected {expected}"
            )
        data = {key: value for key, value in expected.items() if key != "next_cursor"}
        if bodies[PLAIN] != data:
            raise BenchFailure(
                f"{endpoint.path}: the plain app returned {bodies[PLAIN]}, expected {data}"
            )


def measure(
    targets: Mapping[str, Target],
    generator: Generator,
    placement: Placement,
    options: argparse.Namespace,
) -> list[Result]:
    """Measure one target at a time, and each in every round, so that noise affects all equally."""
    progress = Progress()
    results = []
    for endpoint in ENDPOINTS:
        rates: dict[str, list[float]] = {name: [] for name in TARGETS}
        loads = {
            name: Load(target.origin + endpoint.path, target.token, options.connections)
            for name, target in targets.items()
        }
        with pinned_to(placement.rest):
            for load in loads.values():
                generator.measure(load, _WARM_UP_SECONDS)
            for round_ in range(1, options.rounds + 1):
                for name, load in loads.items():
                    rates[name].append(generator.measure(load, options.seconds))
                latest = ", ".join(f"{name} {rates[name][-1]:,.0f}/s" for name in TARGETS)
                progress.show(f"{endpoint.name}, round {round_} of {options.rounds}: {latest}")
        results.append(Result(endpoint, rates))
    progress.done()
    return results


def run(options: argparse.Namespace) -> int:
    """Run the benchmark, print its report and return the exit status. Raises `BenchFailure`."""
    generator = find_generator()
    placement = Placement.choose()
    machine = describe_machine(placement) | {
        "load": f"{generator.name}, {options.connections} connections"
    }
    with (
        tempfile.TemporaryDirectory(prefix="duet-bench-") as folder,
        running_targets(Path(folder), placement) as targets,
    ):
        check_same_responses(targets)
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
    """Return the exit status: 1 if the benchmark fails or, with `--check`, if a goal is missed."""
    options = _parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return run(options)
    except (BenchFailure, StartFailure) as failure:
        sys.stderr.write(f"bench: {failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("bench: interrupted\n")
        return _INTERRUPTED


def _interrupt(*_: object) -> None:
    # Ignore further signals: a second Ctrl-C would leave servers running.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load.bench",
        description="Compare the pair of services with a ceiling (raw ASGI on asyncpg, no token "
        "check) and with a plain app (FastAPI, one session per request, ORM, HS256), using wrk "
        "or oha.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for name, default, text in (
        ("rounds", 5, "number of measurements per target and endpoint"),
        ("seconds", 3, "duration of a measurement in seconds"),
        ("connections", 32, "number of connections, each with one request at a time"),
    ):
        parser.add_argument(f"--{name}", type=_positive, default=default, metavar="N", help=text)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--check", action="store_true", help="exit with status 1 if a goal is missed"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
