"""A TCP relay in front of PostgreSQL, which a test cuts and restores to simulate an outage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url


class Relay:
    """A relay from 127.0.0.1:`port` to the server of a URL."""

    def __init__(self, server_url: str) -> None:
        self._url = make_url(server_url)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    def url_for(self, url: str) -> str:
        """Return the URL that reaches the database of `url` through this relay."""
        relayed = make_url(url).set(host="127.0.0.1", port=self.port, query={})
        return relayed.render_as_string(hide_password=False)

    async def restore(self) -> None:
        """Accept connections. The first call chooses a free port; later calls reuse it."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Abort every connection and refuse new ones."""
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
            await asyncio.gather(_forward(reader, upstream), _forward(upstream_reader, writer))
        finally:
            self._open -= both


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def running_relay(server_url: str) -> AsyncIterator[Relay]:
    relay = Relay(server_url)
    await relay.restore()
    try:
        yield relay
    finally:
        await relay.cut()
