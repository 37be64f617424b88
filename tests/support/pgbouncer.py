"""A real pgbouncer in transaction mode, before the server of a test's worker."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from tests.support.programs import free_port
from tests.support.required_programs import needed

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
    """The same databases by a pgbouncer that opens so many connections to each."""
    program, port = needed("pgbouncer"), free_port()
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
                await _until_up(process)
            yield [_through(server, port) for server in servers]
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


def _through(server: URL, port: int) -> str:
    url = server.set(host="127.0.0.1", port=port, query={})
    return url.render_as_string(hide_password=False)


def _user(server: URL) -> int | None:
    """As root, which it refuses to be: the owner of the server's socket, who alone may use it."""
    if os.geteuid() != 0:
        return None
    folder = server.query.get("host")
    return Path(folder).stat().st_uid if isinstance(folder, str) else 65534


async def _until_up(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    said = ""
    while "process up" not in said:
        line = await process.stderr.readline()
        assert line, f"pgbouncer ended: {said}"
        said += line.decode()
