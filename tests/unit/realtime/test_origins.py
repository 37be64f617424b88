"""Only pages of the same host or of an allowed origin can open a WebSocket."""

import pytest
from pydantic import ValidationError
from starlette.datastructures import Headers

from duet_content.realtime.errors import OriginRefused
from duet_content.realtime.origins import check_origin, parse_origin
from duet_content.settings import ContentSettings


def is_allowed(origin: str, host: str, *allowed: str) -> bool:
    try:
        check_origin(Headers({"origin": origin, "host": host}), allowed)
    except OriginRefused:
        return False
    return True


def test_a_request_without_an_origin_is_allowed() -> None:
    """It does not come from a browser, because browsers always send the header."""
    check_origin(Headers({"host": "duet.test"}), [])


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
    listed = "https://App.example.com/"

    assert is_allowed("https://app.example.com", "duet.test", listed)
    assert is_allowed("https://app.example.com:443", "duet.test", listed)
    for other in ("http://app.example.com", "https://x.app.example.com", "https://example.com"):
        assert not is_allowed(other, "duet.test", listed)


def test_two_origin_headers_are_refused() -> None:
    origin = (b"origin", b"https://duet.test")
    with pytest.raises(OriginRefused):
        check_origin(Headers(raw=[origin, origin, (b"host", b"duet.test")]), [])


@pytest.mark.parametrize("text", ["*", "app.example.com", "https://app.example.com/path", "null"])
def test_a_setting_with_an_invalid_origin_is_refused(text: str) -> None:
    assert parse_origin(text) is None
    with pytest.raises(ValidationError, match="is not an origin"):
        ContentSettings(CONTENT_DATABASE_URL="postgresql://x", ws_allowed_origins=[text])
