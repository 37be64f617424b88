"""Readiness logs each change of a check's result once, with the cause."""

import asyncio

import pytest

from duet_common.errors import DatabaseUnavailable
from duet_common.web import health
from duet_common.web.health import Readiness
from tests.support.log_records import records_of


class Outcome:
    """A check that returns or raises the outcome that the test sets."""

    def __init__(self, outcome: str | Exception | None) -> None:
        self.outcome = outcome

    async def __call__(self) -> str | None:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def messages_of_readiness(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in records_of(caplog, health.__name__)]


@pytest.fixture(autouse=True)
def capture_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger=health.__name__)


async def test_a_check_that_passes_from_the_start_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await Readiness({"database": Outcome(None)}).check() == {"database": True}

    assert messages_of_readiness(caplog) == []


async def test_a_failure_and_a_recovery_are_each_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcome = Outcome(ConnectionRefusedError("nothing listens there"))
    readiness = Readiness({"database": outcome, "schema": Outcome(None)})

    assert await readiness.check() == {"database": False, "schema": True}
    await readiness.check()
    outcome.outcome = None
    assert await readiness.check() == {"database": True, "schema": True}
    await readiness.check()

    assert messages_of_readiness(caplog) == [
        "Readiness check 'database' fails: ConnectionRefusedError: nothing listens there",
        "Readiness check 'database' passes.",
    ]


def unavailable(cause: Exception) -> DatabaseUnavailable:
    error = DatabaseUnavailable()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        ("the schema is at 1", "the schema is at 1"),
        (RuntimeError(), "RuntimeError"),
        (RuntimeError("first line\nsecond line"), "RuntimeError: first line"),
        (unavailable(OSError("no route")), "OSError: no route"),
    ],
)
async def test_the_cause_of_a_failure_is_logged(
    caplog: pytest.LogCaptureFixture, outcome: str | Exception, cause: str
) -> None:
    await Readiness({"database": Outcome(outcome)}).check()

    assert messages_of_readiness(caplog) == [f"Readiness check 'database' fails: {cause}"]


async def test_a_check_without_a_result_fails_after_the_timeout(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.01)

    async def never() -> None:
        await asyncio.Event().wait()

    assert await Readiness({"database": never}).check() == {"database": False}

    assert messages_of_readiness(caplog) == [
        "Readiness check 'database' fails: no result within 0.01 s"
    ]
