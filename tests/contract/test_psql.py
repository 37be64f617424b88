"""`make psql` opens the databases of `make run`."""

import sys
from pathlib import Path

import pytest

from tests.support.programs import (
    STANDALONE,
    ExitedProgram,
    run_program,
    running_program,
    standalone_environment,
)

ROOT = Path(__file__).parents[2]


async def psql(service: str, data: Path, sql: str = "") -> ExitedProgram:
    command = (sys.executable, "-m", "scripts.psql", service)
    return await run_program(command, {"DATA_DIR": str(data)}, ROOT, stdin=sql)


async def test_psql_opens_the_database_of_each_service(tmp_path: Path) -> None:
    async with running_program(STANDALONE, standalone_environment(tmp_path), tmp_path):
        for service, sql in (
            ("auth", "SELECT count(*) FROM users;"),
            ("content", "SELECT count(*) FROM posts;"),
        ):
            shown = await psql(service, tmp_path, sql)
            assert (shown.status, shown.errors) == (0, "")
            assert shown.output.split()[-3:] == ["0", "(1", "row)"]

    refused = await psql("auth", tmp_path)
    assert refused.status == 1
    assert refused.errors == (
        "psql: the database of `make run` does not respond. "
        "Start it with `make run` in another terminal.\n"
    )


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ("auth", "Start it with `make run`"),
        ("posts", "SERVICE must be auth or content, not 'posts'"),
    ],
)
async def test_a_missing_database_or_unknown_service_is_reported(
    tmp_path: Path, service: str, reason: str
) -> None:
    refused = await psql(service, tmp_path)
    assert (refused.status, refused.output) == (1, "")
    assert reason in refused.errors
    assert "Traceback" not in refused.errors


async def test_a_database_url_in_the_environment_is_not_used(tmp_path: Path) -> None:
    environment = {"DATA_DIR": str(tmp_path), "AUTH_DATABASE_URL": "postgresql://elsewhere/auth"}
    command = (sys.executable, "-m", "scripts.psql", "auth")

    refused = await run_program(command, environment, ROOT)

    assert refused.status == 1
    assert f"{tmp_path} contains no database of `make run`" in refused.errors
