"""Settings of the content service."""

from pathlib import Path

from pydantic import Field, HttpUrl, PositiveFloat, PositiveInt, SecretStr

from duet_common.settings import ServiceSettings


class ContentSettings(ServiceSettings):
    """Settings from the environment. `database_url` has no default. None is a secret of auth."""

    database_url: SecretStr = Field(
        validation_alias="CONTENT_DATABASE_URL",
        description="URL of content's database, `postgresql://…`",
    )
    jwks_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8000/.well-known/jwks.json"),
        description="URL at which auth publishes its public keys",
    )
    jwks_file: Path | None = Field(
        None, description="file with a JWKS document to use instead; then no keys are fetched"
    )
    jwks_refresh_seconds: PositiveFloat = Field(
        10.0, description="interval at which the public keys are fetched"
    )
    jwks_cool_down_seconds: PositiveFloat = Field(
        5.0, description="minimum time between two fetches, which tokens with unknown keys cause"
    )
    ws_queue: PositiveInt = Field(
        256, description="maximum number of messages that wait for one slow WebSocket client"
    )
    ws_authentication_seconds: PositiveFloat = Field(
        5.0, description="maximum time for which a WebSocket may stay open without a token"
    )
