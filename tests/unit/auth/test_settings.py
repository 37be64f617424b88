"""auth's settings hide secrets and refuse invalid values before the service starts."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from duet_auth.settings import AuthSettings

SECRET = base64.b64encode(b"s" * 32).decode()
URL = "postgresql://auth:hunter2@db/auth"


def settings(**changes: Any) -> AuthSettings:
    return AuthSettings(**{"AUTH_DATABASE_URL": URL, "key_encryption_key": SECRET, **changes})


def test_secrets_are_hidden_in_repr_and_json() -> None:
    text = repr(settings()) + settings().model_dump_json()

    assert SECRET not in text
    assert "hunter2" not in text


@pytest.mark.parametrize("key", ["", "short", "s" * 32, base64.b64encode(b"s" * 31).decode(), "ü"])
def test_a_key_that_is_not_32_bytes_in_base64_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValidationError, match="openssl rand -base64 32") as raised:
        settings(key_encryption_key=key)

    if key:
        assert key not in str(raised.value).replace("32 bytes in base64", "")


def test_the_credential_of_the_feed_is_optional_and_hidden() -> None:
    token = "a-credential-of-other-services-!~"

    assert settings().events_token is None
    assert token not in repr(settings(events_token=token))
    with pytest.raises(ValidationError, match="openssl rand -hex 32") as raised:
        settings(events_token=token[:31])
    assert token[:31] not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("access_token_minutes", 0),
        ("access_token_minutes", 61),
        ("refresh_grace_seconds", -1),
        ("refresh_grace_seconds", 61),
        ("signing_algorithm", "HS256"),
        ("signing_algorithm", "none"),
        ("hash_threads", 0),
        ("rate_limit_login", 0),
        ("key_propagation_seconds", 0),
        ("events_token", "x" * 31),
        ("events_token", "x" * 31 + "ü"),
        ("events_token", "x" * 31 + " "),
        ("events_token", "x" * 32 + "\n"),
        ("events_retention_days", 0),
    ],
)
def test_an_invalid_value_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        settings(**{name: value})


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", URL)
    monkeypatch.setenv("KEY_ENCRYPTION_KEY", SECRET)
    monkeypatch.setenv("RATE_LIMIT_ENABLED", "false")

    loaded = AuthSettings()

    assert loaded.database_url.get_secret_value() == URL
    assert loaded.key_encryption_bytes == b"s" * 32
    assert loaded.rate_limit_enabled is False


@pytest.mark.parametrize("missing", ["AUTH_DATABASE_URL", "KEY_ENCRYPTION_KEY"])
def test_a_setting_without_a_default_is_required(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", URL)
    monkeypatch.setenv("KEY_ENCRYPTION_KEY", SECRET)
    monkeypatch.delenv(missing)

    with pytest.raises(ValidationError, match=f"(?i){missing}"):
        AuthSettings()
