"""Only pages of the same host or of an allowed origin can use a WebSocket."""

import pytest
from starlette.datastructures import Headers

from duet_content.realtime.origins import is_origin_allowed


def is_allowed(origin: str, host: str, *allowed: str) -> bool:
    return is_origin_allowed(Headers({"origin": origin, "host": host}), allowed)


def test_a_request_without_an_origin_is_allowed() -> None:
    """It does not come from a browser, because browsers always send the header."""
    assert is_origin_allowed(Headers({"host": "duet.test"}), [])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://duet.test", "duet.test"),
        ("https://duet.test", "DUET.test"),
        ("https://duet.test", "duet.test:443"),
        ("http://duet.test", "duet.test:80"),
        ("http://duet.test:8000", "duet.test:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_origin_of_the_same_host_is_allowed(origin: str, host: str) -> None:
    assert is_allowed(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.test", "duet.test"),
        ("https://duet.test", ""),
        ("https://duet.test", "duet.test/path"),
        ("https://duet.test", "x@duet.test"),
        ("https://duet.test:8443", "duet.test"),
        ("http://duet.test", "duet.test:443"),
        ("http://duet.test:99999", "duet.test:99999"),
        ("http://[::1", "[::1"),
        ("ftp://duet.test", "duet.test"),
        ("duet.test", "duet.test"),
        ("https://", ""),
        ("null", "null"),
    ],
)
def test_any_other_origin_is_refused(origin: str, host: str) -> None:
    assert not is_allowed(origin, host)


def test_a_listed_origin_is_allowed_and_similar_origins_are_refused() -> None:
    listed = "https://app.example.com"

    assert is_allowed(listed, "duet.test", listed)
    for other in ("http://app.example.com", "https://x.app.example.com", "https://example.com"):
        assert not is_allowed(other, "duet.test", listed)


def test_two_origin_headers_are_refused() -> None:
    origin = (b"origin", b"https://duet.test")
    headers = Headers(raw=[origin, origin, (b"host", b"duet.test")])

    assert not is_origin_allowed(headers, ["https://duet.test"])
