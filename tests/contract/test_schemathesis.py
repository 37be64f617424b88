"""Schemathesis finds no response that the OpenAPI documents do not describe."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.support.running_duet import Duet
from tests.support.users import log_in, register_user

pytestmark = pytest.mark.slow

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_ENDS_THE_SESSION = "logout|users/me$"
SCOPES = [
    pytest.param("content.json", (), id="content"),
    pytest.param("auth.json", ("--exclude-path-regex", _ENDS_THE_SESSION), id="auth"),
    # Separate, because each of these operations makes the token useless for the others.
    pytest.param(
        "auth.json", ("--include-path-regex", _ENDS_THE_SESSION), id="auth, the end of a session"
    ),
]


@pytest.mark.parametrize(("document", "scope"), SCOPES)
async def test_every_response_is_documented(
    duet: Duet, client: httpx.AsyncClient, tmp_path: Path, document: str, scope: tuple[str, ...]
) -> None:
    token = await _superuser_token(duet, client)
    process = await asyncio.create_subprocess_exec(
        *(SCHEMATHESIS, "run", f"{duet.url}/openapi/{document}", *scope),
        *("--header", f"Authorization: Bearer {token}", "--header", "Connection: close"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", "10", "--seed", "1", "--generation-database", "none"),
        # One worker, because several would share Hypothesis's strategies between threads, which
        # sometimes causes an error (HypothesisWorks/hypothesis#4451).
        *("--continue-on-failure", "--no-shrink", "--no-color", "--workers", "1"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def _superuser_token(duet: Duet, client: httpx.AsyncClient) -> str:
    """Return a token with every permission, so that not every request is refused."""
    user = await register_user(client)
    connection = await asyncpg.connect(duet.urls.auth)
    await connection.execute("UPDATE users SET is_superuser = true WHERE id = $1", user.id)
    await connection.close()
    token: str = (await log_in(client, user.email)).json()["access_token"]
    return token
