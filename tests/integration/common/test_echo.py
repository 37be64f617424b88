"""`DATABASE_ECHO` logs the SQL of both pools, without parameters."""

import logging

import pytest
from sqlalchemy import text

from tests.support.temporary_databases import open_database


@pytest.fixture
def engine_logger() -> object:
    """SQLAlchemy sets the level of its logger when `echo` is on; restore it."""
    logger = logging.getLogger("sqlalchemy.engine.Engine")
    level, handlers = logger.level, logger.handlers[:]
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.mark.usefixtures("engine_logger")
@pytest.mark.parametrize("echo", [True, False])
async def test_statements_are_logged_only_on_request(
    notes_url: str, caplog: pytest.LogCaptureFixture, echo: bool
) -> None:
    caplog.set_level(logging.INFO, logger="duet_common.db.queries")

    async with open_database(notes_url, echo=echo) as database:
        async with database.transaction() as session:
            await session.execute(text("SELECT :secret AS written"), {"secret": "hunter2"})
        await database.read_only_pool.fetch("SELECT $1::text AS read", "hunter2")
        await database.read_only_pool.fetch_row("SELECT $1::text AS read_row", "hunter2")

    logged = "\n".join(caplog.messages)
    for name in ("written", "read", "read_row"):
        assert (f"AS {name}" in logged) is echo
    assert "hunter2" not in logged
