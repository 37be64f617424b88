"""The log of a service in its own process consists of JSON lines and contains no secret."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.documentation import documented_names
from tests.support.running_duet import KEY_ENCRYPTION_KEY, Duet
from tests.support.users import PASSWORD, register_user


class AuthProcess:
    """auth in its own process; `lines` contains what has been read of its log so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = ""
        self.lines: list[dict[str, Any]] = []

    async def read(self) -> bool:
        """Read one line of the log; return False at its end.

        Raises `json.JSONDecodeError` if the line is not JSON.
        """
        assert self.process.stderr is not None
        line = await self.process.stderr.readline()
        if line:
            self.lines.append(json.loads(line))
        return bool(line)

    def lines_of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["logger"] == logger]


@asynccontextmanager
async def auth_process(duet: Duet, **variables: str) -> AsyncIterator[AuthProcess]:
    """Run auth with uvicorn's command line; at the end, stop it and read the rest of its log."""
    command = "-m uvicorn --factory duet_auth.main:create_app --port 0 --ws websockets-sansio"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command.split()),
        env={
            "PATH": os.environ["PATH"],
            "AUTH_DATABASE_URL": duet.urls.auth,
            "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY,
            **variables,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    service = AuthProcess(process)
    try:
        async with asyncio.timeout(30):
            while not service.url:
                assert await service.read(), service.lines
                running = re.search(r"http://[\d.]+:\d+", service.lines[-1]["message"])
                service.url = running[0] if running else ""
            yield service
            process.terminate()
            while await service.read():
                pass
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_every_log_line_is_json_and_contains_no_secret(duet: Duet) -> None:
    async with (
        auth_process(duet, LOG_LEVEL="DEBUG") as service,
        httpx.AsyncClient(base_url=service.url) as client,
    ):
        registered_user = await register_user(client)
        me = await client.get(
            "/api/v1/users/me?token=IN-THE-QUERY", headers=registered_user.headers
        )
        await client.get("/livez")
        try:
            address = f"{service.url.replace('http', 'ws', 1)}/ws/c1?token=IN-THE-QUERY"
            async with connect(address, proxy=None):
                raise AssertionError("auth has no WebSocket")
        except InvalidStatus:
            pass

    requests = service.lines_of("duet.request")
    line = next(line for line in requests if line["path"] == "/api/v1/users/me")
    assert line["request_id"] == me.headers["x-request-id"]
    assert (line["method"], line["status"], line["client"]) == ("GET", 422, "127.0.0.1")
    assert line["duration_ms"] > 0
    assert line["message"].startswith("GET /api/v1/users/me 422 ")
    assert [x["level"] for x in requests if x["path"] == "/livez"] == ["DEBUG"]
    assert any("WebSocket /ws/c1" in line["message"] for line in service.lines_of("uvicorn.error"))
    assert service.lines_of("uvicorn.access") == []
    assert {field for line in service.lines for field in line} <= documented_names("log-fields")
    log = json.dumps(service.lines)
    for secret in (
        PASSWORD,
        registered_user.access_token,
        registered_user.refresh_token,
        "IN-THE-QUERY",
    ):
        assert secret not in log


async def test_a_database_error_does_not_contain_parameter_values(duet: Duet) -> None:
    """A logged traceback would otherwise contain values such as a password hash."""
    statement = text("SELECT no_such_column, CAST(:secret AS text)")
    with pytest.raises(DBAPIError) as failed:
        async with duet.auth.runtime.database.transaction() as session:
            await session.execute(statement, {"secret": "IN-A-PARAMETER"})

    assert "no_such_column" in str(failed.value)
    assert "IN-A-PARAMETER" not in str(failed.value)
