"""Logging is the process's: what a test configures is undone."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest

_CHANGED = (
    *("duet", "duet_common", "duet_auth", "duet_content", "duet_standalone", "httpx"),
    *("uvicorn", "uvicorn.error", "uvicorn.access", "gunicorn.error", "gunicorn.access", "alembic"),
)


@pytest.fixture
def logging_restored() -> Iterator[None]:
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in _CHANGED)]
    kept = [(x.handlers[:], x.filters[:], x.level, x.propagate) for x in loggers]
    yield
    logging.captureWarnings(capture=False)
    for logger, (handlers, filters, level, propagate) in zip(loggers, kept, strict=True):
        logger.handlers[:], logger.filters[:] = handlers, filters
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture
def lines(
    logging_restored: None, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[dict[str, object]]]:
    """What was logged in JSON since it was last called."""

    def read() -> list[dict[str, object]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read
