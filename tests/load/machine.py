"""The machine: which core does what, and what there is to say about it."""

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
    """The core of whichever server is loaded, and the cores of PostgreSQL and the load.

    A ratio between servers means something only if each had one core to itself. Both are None
    where that cannot be had: on one core, or on a system without affinity.
    """

    server: Cores | None
    rest: Cores | None

    @classmethod
    def choose(cls) -> "Placement":
        if sys.platform == "linux":
            first, *others = sorted(os.sched_getaffinity(0))
            if others:
                return cls(frozenset({first}), frozenset(others))
        return cls(None, None)

    def __str__(self) -> str:
        if self.server is None or self.rest is None:
            return "nothing is pinned"
        return f"servers on core {_join(self.server)}, the rest on {_join(self.rest)}"


@contextmanager
def on(cores: Cores | None) -> Iterator[None]:
    """Whatever is started inside inherits these cores, with all of its threads and children."""
    if sys.platform != "linux" or cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pid: int, cores: Cores | None) -> None:
    """Move a running process and its children, such as PostgreSQL's backends."""
    if sys.platform == "linux" and cores is not None:
        for each in (pid, *_children(pid)):
            with suppress(ProcessLookupError):  # a backend may end at any time
                os.sched_setaffinity(each, cores)


def facts(placement: Placement) -> dict[str, str | int]:
    """Asked before the bench begins: what else was running then widens every spread."""
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
            # `pid (name) state ppid …`; the name may hold spaces and parentheses.
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
