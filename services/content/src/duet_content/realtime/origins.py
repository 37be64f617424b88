"""Which pages may open a WebSocket: browsers do not apply the same-origin policy to it."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from duet_content.realtime.errors import OriginRefused

_PORTS: Final = {"http": 80, "https": 443}
Origin = tuple[str, str, int]
"""Scheme, host and port (RFC 6454, section 4)."""


def check_origin(headers: Headers, allowed: Iterable[str]) -> None:
    """Allow clients without an origin (not browsers), the same host, and the allowed origins.

    Only host and port are compared with `Host`: behind an ingress that terminates TLS, the server
    does not see the browser's scheme. Raises `OriginRefused`.
    """
    named = headers.getlist("origin")
    if not named:
        return
    origin = parse_origin(named[0]) if len(named) == 1 else None
    if origin is None:
        raise OriginRefused
    same_host = parse_origin(f"{origin[0]}://{headers.get('host', '')}")
    if origin != same_host and origin not in {parse_origin(text) for text in allowed}:
        raise OriginRefused


def parse_origin(text: str) -> Origin | None:
    """Parse the origin of a header or a setting. Return None for `null` and for invalid text."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    if "@" in parts.netloc or parts.path not in {"", "/"} or parts.query or parts.fragment:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port
