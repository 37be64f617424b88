"""Which pages may open a WebSocket: browsers do not apply the same-origin policy to it."""

from collections.abc import Container
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

_PORTS: Final = {"http": 80, "https": 443}
Origin = tuple[str, str, int]
"""Scheme, host and port (RFC 6454, section 4)."""


def is_origin_allowed(headers: Headers, allowed: Container[str]) -> bool:
    """Allow clients without an origin (not browsers), the allowed origins, and the same host.

    `allowed` are in the form in which browsers send them. Only host and port are compared with
    `Host`: behind an ingress that terminates TLS, the server does not see the browser's scheme.
    """
    named = headers.getlist("origin")
    if not named:
        return True
    if len(named) > 1:
        return False
    return named[0] in allowed or _is_same_host(named[0], headers.get("host", ""))


def _is_same_host(text: str, host: str) -> bool:
    origin = _parse_origin(text)
    return origin is not None and origin == _parse_origin(f"{origin[0]}://{host}")


def _parse_origin(text: str) -> Origin | None:
    """Return None for `null` and for invalid text."""
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
