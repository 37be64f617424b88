"""auth's settings."""

import base64
from datetime import timedelta
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator

from duet_common.settings import ServiceSettings
from duet_common.tokens.jose import Algorithm

Minutes = Annotated[int, Field(ge=1, le=60)]


def _decode(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""


class AuthSettings(ServiceSettings):
    """Read from the environment; `database_url` and `key_encryption_key` have no default."""

    database_url: SecretStr = Field(
        validation_alias="AUTH_DATABASE_URL", description="`postgresql://…` of auth's own database"
    )
    key_encryption_key: SecretStr = Field(
        description="32 random bytes in base64; encrypts the signing keys at rest"
    )
    signing_algorithm: Algorithm = Field("ES256", description="`ES256` or `RS256`, for new keys")
    access_token_minutes: Minutes = Field(10, description="life of an access token")
    refresh_idle_days: PositiveInt = Field(14, description="a session unused for this long ends")
    refresh_absolute_days: PositiveInt = Field(90, description="a session ends after this long")
    refresh_grace_seconds: int = Field(
        10, ge=0, le=60, description="a second use of a refresh token gets the same successor"
    )
    key_refresh_seconds: PositiveFloat = Field(
        5.0, description="how often each process reads the keyset again"
    )
    key_propagation_seconds: PositiveFloat = Field(
        30.0, description="how long the next key is published before it may sign"
    )
    hash_threads: PositiveInt = Field(2, description="passwords hashed at once")
    hash_queue: PositiveInt = Field(64, description="passwords waiting for a thread; then 503")
    rate_limit_login: PositiveInt = Field(20, description="logins a minute for an address")
    rate_limit_register: PositiveInt = Field(20, description="registrations a minute, likewise")
    rate_limit_refresh: PositiveInt = Field(60, description="refreshes a minute, likewise")

    @field_validator("key_encryption_key")
    @classmethod
    def _is_32_bytes(cls, value: SecretStr) -> SecretStr:
        if len(_decode(value.get_secret_value())) != 32:
            raise ValueError("must be 32 bytes in base64: openssl rand -base64 32")
        return value

    @property
    def key_encryption_bytes(self) -> bytes:
        return _decode(self.key_encryption_key.get_secret_value())

    @property
    def access_token_lifetime(self) -> timedelta:
        return timedelta(minutes=self.access_token_minutes)
