"""Log records of one logger, without those of tasks that other tests keep running."""

import logging

import pytest


def records_of(caplog: pytest.LogCaptureFixture, logger: str) -> list[logging.LogRecord]:
    """Return the captured records of the named logger, oldest first."""
    return [record for record in caplog.records if record.name == logger]
