"""`ALLOWED_ORIGINS` is a JSON list of origins, each in the form in which browsers send it."""

import pytest
from pydantic import ValidationError

from duet_common.settings import ServiceSettings


def test_no_origin_is_allowed_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALLOWED_ORIGINS", raising=False)

    assert ServiceSettings().allowed_origins == []


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("HTTPS://App.Example.COM", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80/", "http://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_has_the_form_of_the_origin_header(text: str, origin: str) -> None:
    assert ServiceSettings(allowed_origins=[text]).allowed_origins == [origin]


@pytest.mark.parametrize(
    "text",
    [
        *("", "app.example.com", "//app.example.com", "ftp://app.example.com", "null", "file://"),
        *("https://", "https://app.example.com/path", "https://app.example.com//"),
        *("https://app.example.com?", "https://app.example.com#", "https://a@app.example.com"),
        *("https://app.example.com:99999", "https://app example.com", "https://app.example.com\n"),
        *("https:app.example.com", "https:/app.example.com", "https://[::1"),
    ],
)
def test_anything_but_an_origin_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not an origin such as"):
        ServiceSettings(allowed_origins=[text])


@pytest.mark.parametrize("text", ["*", "https://*.example.com", "https://*"])
def test_a_wildcard_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="contains a wildcard; list each origin"):
        ServiceSettings(allowed_origins=[text])


def test_the_variable_is_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", '["https://A.example/", "http://b.example:8000"]')

    assert ServiceSettings().allowed_origins == ["https://a.example", "http://b.example:8000"]


@pytest.mark.parametrize(
    "value", ["https://app.example.com", "[", "{}", '"https://app.example.com"', "[1]", "null"]
)
def test_any_other_value_of_the_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", value)

    with pytest.raises(ValidationError, match="must be a JSON list of origins, such as"):
        ServiceSettings()
