"""Fixtures for logging, whose configuration is global to the process."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest

_CHANGED = (
    *("duet", "duet_common", "duet_auth", "duet_content", "duet_standalone", "httpx"),
    *("uvicorn", "uvicorn.error", "uvicorn.access", "gunicorn.error", "gunicorn.access", "alembic"),
)


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Restore the logging configuration after the test."""
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in _CHANGED)]
    saved = [(x.handlers[:], x.filters[:], x.level, x.propagate) for x in loggers]
    yield
    logging.captureWarnings(capture=False)
    for logger, (handlers, filters, level, propagate) in zip(loggers, saved, strict=True):
        logger.handlers[:], logger.filters[:] = handlers, filters
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture
def read_lines(
    restored_logging: None, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[dict[str, object]]]:
    """A function that returns the JSON lines that were logged since its last call."""

    def read() -> list[dict[str, object]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read
