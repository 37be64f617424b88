"""A periodic task repeats, continues after errors, and ends when it is stopped."""

import asyncio

import pytest

from duet_common import periodic
from duet_common.periodic import PeriodicTask
from tests.support.log_records import records_of


class Calls:
    """A callable that counts its calls and raises `error`, if given, on the first call."""

    def __init__(self, error: Exception | None = None) -> None:
        self.number = 0
        self._error = error
        self._third = asyncio.Event()

    async def __call__(self) -> None:
        self.number += 1
        if self.number == 3:
            self._third.set()
        if self._error is not None and self.number == 1:
            raise self._error

    async def wait_for_third_call(self) -> None:
        async with asyncio.timeout(5):
            await self._third.wait()


async def test_the_function_is_called_until_the_task_is_stopped() -> None:
    calls = Calls()
    task = PeriodicTask("test", calls, lambda: 0.0)
    task.start()
    await calls.wait_for_third_call()

    await task.stop()

    number = calls.number
    await asyncio.sleep(0)
    assert calls.number == number


async def test_the_interval_passes_before_the_first_call() -> None:
    calls = Calls()
    task = PeriodicTask("test", calls, lambda: 3600.0)
    task.start()
    await asyncio.sleep(0)

    await task.stop()

    assert calls.number == 0


async def test_an_error_is_logged_and_does_not_end_the_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = Calls(RuntimeError("no luck"))
    task = PeriodicTask("lottery", calls, lambda: 0.0)
    task.start()
    await calls.wait_for_third_call()
    await task.stop()

    [record] = records_of(caplog, periodic.__name__)
    assert record.getMessage() == "Background task lottery failed. It will run again."
    assert record.exc_info is not None


async def test_a_task_that_was_never_started_can_be_stopped() -> None:
    await PeriodicTask("test", Calls(), lambda: 0.0).stop()
