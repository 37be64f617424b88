"""`DATABASE_ECHO` logs the SQL of both pools, without parameters, and only through logging."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.programs import run_program

ROOT = Path(__file__).parents[3]
_PROGRAM = """
import asyncio
import os

from sqlalchemy import text

from duet_common.observability.logging import configure_logging
from tests.support.temporary_databases import open_database


async def main() -> None:
    configure_logging("INFO", "json")
    async with open_database(os.environ["URL"], echo=os.environ["ECHO"] == "on") as database:
        async with database.transaction() as session:
            await session.execute(text("SELECT :secret AS written"), {"secret": "hunter2"})
        await database.read_only_pool.fetch("SELECT $1::text AS read", "hunter2")
        await database.read_only_pool.fetch_row("SELECT $1::text AS read_row", "hunter2")


asyncio.run(main())
"""


@pytest.mark.parametrize("echo", ["on", "off"])
async def test_statements_are_logged_once_and_only_on_request(notes_url: str, echo: str) -> None:
    environment = {"PATH": os.environ["PATH"], "URL": notes_url, "ECHO": echo}

    program = await run_program((sys.executable, "-c", _PROGRAM), environment, ROOT)

    assert program.status == 0, program.errors
    assert program.output == ""
    messages = [json.loads(line)["message"] for line in program.errors.splitlines()]
    for name in ("written", "read", "read_row"):
        logged = [message for message in messages if message.endswith(f"AS {name}")]
        assert len(logged) == (1 if echo == "on" else 0)
    assert "hunter2" not in program.errors
