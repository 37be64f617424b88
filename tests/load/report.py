"""The results of the benchmark: ratios with their spread, as a table and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

CEILING: Final = "ceiling"
PAIR: Final = "pair"
PLAIN: Final = "plain"
TARGETS: Final = (CEILING, PAIR, PLAIN)
_MAX_QUIET_SPREAD: Final = 0.25


@dataclass(frozen=True)
class Endpoint:
    """A measured endpoint. `goal` is the fraction of the ceiling that the pair has to reach."""

    name: str
    path: str
    goal: float


@dataclass(frozen=True)
class Spread:
    """The median, minimum and maximum of measured values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Result:
    """Requests per second of each target, with one figure per round."""

    endpoint: Endpoint
    rates: Mapping[str, Sequence[float]]

    def rate(self, target: str) -> Spread:
        return Spread.of(self.rates[target])

    def ratio(self, target: str, to: str = CEILING) -> Spread:
        """Return the ratio of figures of the same round, in which noise affects both targets."""
        pairs = zip(self.rates[target], self.rates[to], strict=True)
        return Spread.of([one / other for one, other in pairs])

    @property
    def is_noisy(self) -> bool:
        """Whether the rounds differ so much that the result is not reliable."""
        ratio = self.ratio(PAIR)
        return ratio.high - ratio.low > _MAX_QUIET_SPREAD * ratio.median

    @property
    def goal_is_met(self) -> bool:
        return self.ratio(PAIR).median >= self.endpoint.goal


def as_table(results: Sequence[Result]) -> str:
    rows = [("endpoint", "target", "requests/s", "of the ceiling", "goal")]
    for result in results:
        for target in TARGETS:
            name = result.endpoint.name if target == TARGETS[0] else ""
            ratio = "" if target == CEILING else _percent(result.ratio(target))
            goal = _verdict(result) if target == PAIR else ""
            rows.append((name, target, _count(result.rate(target)), ratio, goal))
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines += [
        f"{result.endpoint.name}: {_times(result.ratio(PAIR, PLAIN))} the plain app"
        for result in results
    ]
    lines += [
        f"{result.endpoint.name}: the rounds differ too much; repeat the run on an idle machine"
        for result in results
        if result.is_noisy
    ]
    return "\n".join(line.rstrip() for line in lines)


def as_json(result: Result) -> dict[str, object]:
    return {
        "endpoint": result.endpoint.name,
        "path": result.endpoint.path,
        "goal": result.endpoint.goal,
        "goal_is_met": result.goal_is_met,
        "is_noisy": result.is_noisy,
        "targets": {
            target: {
                "requests_per_second": list(result.rates[target]),
                "rate": vars(result.rate(target)),
                "ratio_to_ceiling": vars(result.ratio(target)),
            }
            for target in TARGETS
        },
    }


def _verdict(result: Result) -> str:
    return f"{result.endpoint.goal:.0%}: {'met' if result.goal_is_met else 'missed'}"


def _count(spread: Spread) -> str:
    return f"{spread.median:,.0f} [{spread.low:,.0f}\N{EN DASH}{spread.high:,.0f}]"


def _percent(spread: Spread) -> str:
    return f"{spread.median:.1%} [{spread.low:.1%}\N{EN DASH}{spread.high:.1%}]"


def _times(spread: Spread) -> str:
    return f"{spread.median:.1f} [{spread.low:.1f}\N{EN DASH}{spread.high:.1f}] times"
