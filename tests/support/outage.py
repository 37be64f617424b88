"""A PostgreSQL that a test can take away and give back: a relay in front of the real one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url


class Relay:
    """Passes bytes between 127.0.0.1:`port` and the server of a URL, until it is cut."""

    def __init__(self, server_url: str) -> None:
        self._url = make_url(server_url)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    def url_for(self, url: str) -> str:
        """The URL of a database, by way of this relay."""
        through = make_url(url).set(host="127.0.0.1", port=self.port, query={})
        return through.render_as_string(hide_password=False)

    async def restore(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Close every connection, and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        folder = self._url.query.get("host")
        upstream_reader, upstream = (
            await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
            if isinstance(folder, str)
            else await asyncio.open_connection(self._url.host, self._url.port or 5432)
        )
        both = {writer, upstream}
        self._open |= both
        try:
            await asyncio.gather(_pass(reader, upstream), _pass(upstream_reader, writer))
        finally:
            self._open -= both


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def relay_to(server_url: str) -> AsyncIterator[Relay]:
    relay = Relay(server_url)
    await relay.restore()
    try:
        yield relay
    finally:
        await relay.cut()
