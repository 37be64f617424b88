"""Requests byte by byte, for what no client library would send."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

_SECONDS = 10


@dataclass(frozen=True)
class Request:
    """A request; `raw` replaces all of it. One that is `cut_off` ends before it is whole."""

    name: str
    method: str = "GET"
    path: str = "/api/v1/posts"
    headers: tuple[bytes, ...] = ()
    body: bytes = b""
    host: bytes = b"duet.test"
    raw: bytes | None = None
    cut_off: bool = False

    def encode(self, token: str, post: str) -> bytes:
        """Its bytes, with the token unless it brings an Authorization header of its own."""
        bearer = b"Authorization: Bearer " + token.encode()
        if self.raw is not None:
            return self.raw.replace(b"{bearer}", bearer)
        names = {header.partition(b":")[0].lower() for header in self.headers}
        lines = [
            f"{self.method} {self.path.replace('{post}', post)} HTTP/1.1".encode(),
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
    """The first answer to these bytes; None when the connection is closed without one."""
    url = urlsplit(origin)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        async with asyncio.timeout(_SECONDS):
            writer.write(data)
            await writer.drain()
            if cut_off:
                writer.write_eof()
            answer = await reader.read()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return _parse(answer) if answer else None


def _parse(answer: bytes) -> httpx.Response:
    head, _, content = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    # As it came: httpx would undo a transfer coding only while it reads a stream.
    return httpx.Response(int(status_line.split()[1]), headers=headers, content=content)
