"""Programs that use generated clients of the OpenAPI document compile, and run against Duet.

Each program registers, logs in, writes a profile and posts, reads pages and handles errors. What
must not compile is marked in the programs.
"""

import sys
from pathlib import Path

import httpx
import pytest

from tests.support.clients import check_python, run
from tests.support.running_duet import Duet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("program", ["openapi-fetch.js", "hey-api.js"])
async def test_a_typescript_program_compiles_and_runs(
    duet: Duet, typescript_programs: Path, program: str
) -> None:
    await run(typescript_programs, "node", program, duet.url)


async def test_a_python_program_type_checks_and_runs(
    duet: Duet, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    openapi = await client.get("/openapi.json")
    program = await check_python(openapi.text, tmp_path)
    await run(tmp_path, sys.executable, program.name, duet.url)
