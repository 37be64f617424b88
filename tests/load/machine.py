"""The machine: its description, and how processes are pinned to CPU cores."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

Cores = frozenset[int]


@dataclass(frozen=True)
class Placement:
    """The core of the measured server, and the cores of PostgreSQL and the load generator.

    Ratios between servers are meaningful only if each server has one core to itself. Both fields
    are None if that is impossible: with only one core, or on a system without CPU affinity.
    """

    server: Cores | None
    rest: Cores | None

    @classmethod
    def choose(cls) -> "Placement":
        """Return the placement for this machine."""
        if sys.platform == "linux":
            first, *others = sorted(os.sched_getaffinity(0))
            if others:
                return cls(frozenset({first}), frozenset(others))
        return cls(None, None)

    def __str__(self) -> str:
        if self.server is None or self.rest is None:
            return "no process is pinned to a core"
        return f"servers on core {_join(self.server)}, everything else on {_join(self.rest)}"


@contextmanager
def pinned_to(cores: Cores | None) -> Iterator[None]:
    """Pin this process to cores while the block runs. Processes started in it inherit the cores."""
    if sys.platform != "linux" or cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin_process(pid: int, cores: Cores | None) -> None:
    """Pin a running process and its children, such as PostgreSQL's backends, to cores."""
    if sys.platform == "linux" and cores is not None:
        for each in (pid, *_children(pid)):
            with suppress(ProcessLookupError):  # a backend can exit at any time
                os.sched_setaffinity(each, cores)


def describe_machine(placement: Placement) -> dict[str, str | int]:
    """Describe the machine. Call it before the benchmark, which raises the load average."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "placement": str(placement),
        "busy before": f"{os.getloadavg()[0]:.1f} processes",
    }


def _children(parent: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # `pid (name) state ppid …`. The name may contain spaces and parentheses.
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(stat.parent.name)


def _cpu_model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _join(cores: Cores) -> str:
    return ", ".join(str(core) for core in sorted(cores))
