"""HTTP requests as raw bytes, for what no client library would send."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

_SECONDS = 10


@dataclass(frozen=True)
class Request:
    """A request to send as bytes.

    `raw`, if given, replaces all other parts; `{bearer}` in it stands for the Authorization header.
    `cut_off` means that the client closes its side of the connection after the last byte.
    """

    name: str
    method: str = "GET"
    path: str = "/api/v1/posts"
    headers: tuple[bytes, ...] = ()
    body: bytes = b""
    host: bytes = b"duet.test"
    raw: bytes | None = None
    cut_off: bool = False

    def encode(self, token: str, id_: str) -> bytes:
        """Return the bytes of the request, with `token` unless it has an Authorization header.

        `id_` replaces every parameter of the path, such as `{post_id}`.
        """
        bearer = b"Authorization: Bearer " + token.encode()
        if self.raw is not None:
            return self.raw.replace(b"{bearer}", bearer)
        names = {header.partition(b":")[0].lower() for header in self.headers}
        lines = [
            f"{self.method} {re.sub(r'{[a-z_]+}', id_, self.path)} HTTP/1.1".encode(),
            b"Host: " + self.host,
            b"Connection: close",
            *self.headers,
        ]
        if b"authorization" not in names:
            lines.append(bearer)
        if self.body and names.isdisjoint({b"transfer-encoding", b"content-length"}):
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join([*lines, b"", self.body])


async def send(origin: str, data: bytes, *, cut_off: bool) -> httpx.Response | None:
    """Send bytes and return the response, or None if the server closes without a response."""
    url = urlsplit(origin)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        async with asyncio.timeout(_SECONDS):
            writer.write(data)
            await writer.drain()
            if cut_off:
                writer.write_eof()
            response = await reader.read()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return _parse(response) if response else None


def _parse(response: bytes) -> httpx.Response:
    head, _, content = response.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    # The content keeps its transfer coding: httpx decodes it only while it reads a stream.
    return httpx.Response(int(status_line.split()[1]), headers=headers, content=content)
