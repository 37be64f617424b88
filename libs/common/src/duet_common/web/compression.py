"""gzip for responses of at least 1 KiB, if the client accepts it."""

from functools import lru_cache
from http import HTTPStatus
from typing import Final

from starlette.middleware.gzip import GZipResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_COMPRESSED_BYTES: Final = 1024
# Of the largest response, a post of 100,000 control characters (558 KiB of JSON), level 1 makes
# 128 KiB in 5 ms, level 6 95 KiB in 31 ms, and Starlette's default of 9 90 KiB in 526 ms.
_LEVEL: Final = 1
# A smaller body takes less than 1 ms. A larger one is compressed in a thread, without the GIL.
_MIN_THREAD_BYTES: Final = 32 * 1024


class CompressionMiddleware:
    """Compresses bodies with Starlette's responder. The `ETag` stays the same.

    Starlette's middleware costs 11 µs more, also for a small body, and compresses for `gzip;q=0`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        forward = send

        async def send_compressed(message: Message) -> None:
            nonlocal forward
            if message["type"] == "http.response.start" and _is_compressible(message):
                if message["status"] == HTTPStatus.NOT_MODIFIED or not accepts_gzip(scope):
                    _add_vary(message)
                else:
                    responder = GZipResponder(
                        self.app,
                        MIN_COMPRESSED_BYTES,
                        _LEVEL,
                        thread_minimum_size=_MIN_THREAD_BYTES,
                    )
                    responder.send = send
                    forward = responder.send_with_compression
            await forward(message)

        await self.app(scope, receive, send_compressed)


def _is_compressible(message: Message) -> bool:
    """Return whether the response, or the one that a 304 stands for, has a body to compress.

    A response that varies by `Accept-Encoding` already has the form that the client accepts.
    """
    for name, value in message["headers"]:
        if name == b"content-length" and int(value) < MIN_COMPRESSED_BYTES:
            return False
        if name == b"vary" and value == b"Accept-Encoding":
            return False
    return bool(message["status"] != HTTPStatus.NO_CONTENT)


def _add_vary(message: Message) -> None:
    """Add `Vary: Accept-Encoding`, which belongs to a 304 as well (RFC 9110, section 15.4.5)."""
    message["headers"].append((b"vary", b"Accept-Encoding"))


def accepts_gzip(scope: Scope) -> bool:
    """Return whether the client accepts gzip, and does not prefer an uncompressed response."""
    accepted = b""
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            accepted = accepted + b"," + value if accepted else value
    return b"gzip" in accepted.lower() and _prefers_gzip(accepted)


@lru_cache(maxsize=64)  # browsers and libraries send few different values
def _prefers_gzip(accepted: bytes) -> bool:
    """Compare the weights of gzip and identity (RFC 9110, section 12.5.3)."""
    weights = {b"gzip": 0.0, b"identity": 0.0}
    for item in accepted.lower().split(b","):
        coding, _, parameter = item.partition(b";")
        name, _, weight = parameter.partition(b"=")
        try:
            weights[coding.strip()] = float(weight) if name.strip() == b"q" else 1.0
        except ValueError:
            continue
    return weights[b"gzip"] > 0 and weights[b"gzip"] >= weights[b"identity"]
