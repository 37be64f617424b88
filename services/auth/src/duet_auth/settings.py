"""Settings of the auth service."""

import base64
import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator

from duet_common.settings import ServiceSettings
from duet_common.tokens.jose import Algorithm

_CREDENTIAL: Final = re.compile(r"[!-~]{32,}")  # what a header can contain

Minutes = Annotated[int, Field(ge=1, le=60)]


def _decode(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""


class AuthSettings(ServiceSettings):
    """Settings from the environment. `database_url` and `key_encryption_key` have no default."""

    database_url: SecretStr = Field(
        validation_alias="AUTH_DATABASE_URL", description="URL of auth's database, `postgresql://…`"
    )
    key_encryption_key: SecretStr = Field(
        description="32 random bytes in base64, which encrypt the signing keys at rest"
    )
    signing_algorithm: Algorithm = Field(
        "ES256", description="algorithm of new signing keys: `ES256` or `RS256`"
    )
    access_token_minutes: Minutes = Field(10, description="lifetime of an access token")
    refresh_idle_days: PositiveInt = Field(
        14, description="a session ends when it has not been used for this time"
    )
    refresh_absolute_days: PositiveInt = Field(90, description="maximum lifetime of a session")
    refresh_grace_seconds: int = Field(
        10,
        ge=0,
        le=60,
        description="time in which the reuse of a refresh token returns the same successor",
    )
    key_refresh_seconds: PositiveFloat = Field(
        5.0, description="interval at which each process reads the signing keys from the database"
    )
    key_propagation_seconds: PositiveFloat = Field(
        30.0, description="minimum time for which a key is published before it signs"
    )
    hash_threads: PositiveInt = Field(2, description="number of threads that hash passwords")
    hash_queue: PositiveInt = Field(
        64, description="maximum number of passwords that wait for a thread; then 503"
    )
    rate_limit_login: PositiveInt = Field(
        20, description="maximum logins per minute per client address"
    )
    rate_limit_register: PositiveInt = Field(
        20, description="maximum registrations per minute per client address"
    )
    rate_limit_refresh: PositiveInt = Field(
        60, description="maximum refreshes per minute per client address"
    )

    events_token: SecretStr | None = Field(
        None,
        description="credential of other services for `/internal/events`, at least 32 visible "
        "ASCII characters; without it, auth serves no events",
    )
    events_retention_days: PositiveInt = Field(
        7, description="events are kept for this time; a reader that was away longer starts over"
    )

    @field_validator("events_token")
    @classmethod
    def _is_a_credential(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _CREDENTIAL.fullmatch(value.get_secret_value()):
            raise ValueError(
                "must be at least 32 visible ASCII characters; create it with: openssl rand -hex 32"
            )
        return value

    @field_validator("key_encryption_key")
    @classmethod
    def _is_32_bytes(cls, value: SecretStr) -> SecretStr:
        if len(_decode(value.get_secret_value())) != 32:
            raise ValueError("must be 32 bytes in base64; create one with: openssl rand -base64 32")
        return value

    @property
    def key_encryption_bytes(self) -> bytes:
        return _decode(self.key_encryption_key.get_secret_value())

    @property
    def access_token_lifetime(self) -> timedelta:
        return timedelta(minutes=self.access_token_minutes)
