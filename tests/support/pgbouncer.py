"""A real PgBouncer in transaction mode, in front of the test's PostgreSQL server."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from tests.support.programs import free_port
from tests.support.required_programs import require_program

_SECONDS = 10
_INI = """
[databases]
{databases}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
"""


@asynccontextmanager
async def pgbouncer(*urls: str, connections: int) -> AsyncIterator[list[str]]:
    """Run PgBouncer and yield the URLs that reach the same databases through it.

    It opens at most `connections` server connections to each database.
    """
    program, port = require_program("pgbouncer"), free_port()
    servers = [make_url(url) for url in urls]
    with tempfile.TemporaryDirectory(prefix="duet-pgbouncer-") as folder:
        ini = Path(folder) / "pgbouncer.ini"
        databases = "\n".join(map(_database, servers))
        ini.write_text(_INI.format(databases=databases, port=port, connections=connections))
        user = _user(servers[0])
        if user is not None:
            os.chown(folder, user, user)
        process = await asyncio.create_subprocess_exec(
            program,
            ini,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        try:
            async with asyncio.timeout(_SECONDS):
                await _wait_until_up(process)
            yield [_pooled_url(server, port) for server in servers]
        finally:
            process.terminate()
            await process.communicate()


def _database(server: URL) -> str:
    host = server.query.get("host") or server.host
    password = f" password={server.password}" if server.password else ""
    return (
        f"{server.database} = host={host} port={server.port or 5432} dbname={server.database} "
        f"user={server.username}{password}"
    )


def _pooled_url(server: URL, port: int) -> str:
    url = server.set(host="127.0.0.1", port=port, query={})
    return url.render_as_string(hide_password=False)


def _user(server: URL) -> int | None:
    """Return the user id that PgBouncer runs as, or None to keep this process's user.

    PgBouncer refuses to run as root. It then runs as the owner of the server's socket folder,
    because nobody else may use the socket; for a server over TCP it runs as `nobody`.
    """
    if os.geteuid() != 0:
        return None
    folder = server.query.get("host")
    return Path(folder).stat().st_uid if isinstance(folder, str) else 65534


async def _wait_until_up(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    log = ""
    while "process up" not in log:
        line = await process.stderr.readline()
        assert line, f"PgBouncer exited: {log}"
        log += line.decode()
