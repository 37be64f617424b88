"""content's settings."""

from pathlib import Path

from pydantic import Field, HttpUrl, PositiveFloat, PositiveInt, SecretStr, field_validator

from duet_common.settings import ServiceSettings
from duet_content.realtime.origins import parse_origin


class ContentSettings(ServiceSettings):
    """Read from the environment; `database_url` has no default. There is no secret of auth's."""

    database_url: SecretStr = Field(
        validation_alias="CONTENT_DATABASE_URL",
        description="`postgresql://…` of content's own database",
    )
    jwks_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8000/.well-known/jwks.json"),
        description="where auth publishes its public keys",
    )
    jwks_file: Path | None = Field(
        None, description="a JWKS document to verify with instead; then auth is never asked"
    )
    jwks_refresh_seconds: PositiveFloat = Field(
        10.0, description="how often the public keys are fetched again"
    )
    jwks_cool_down_seconds: PositiveFloat = Field(
        5.0, description="an unknown key makes content ask again, but not more often than this"
    )
    ws_allowed_origins: list[str] = Field(
        default_factory=list,
        description="origins (JSON list) that may open a WebSocket, besides the same origin",
    )
    ws_queue: PositiveInt = Field(256, description="messages waiting for one slow reader")
    ws_authentication_seconds: PositiveFloat = Field(
        5.0, description="how long a WebSocket may stay open without a token"
    )

    @field_validator("ws_allowed_origins")
    @classmethod
    def _are_origins(cls, texts: list[str]) -> list[str]:
        for text in texts:
            if parse_origin(text) is None:
                raise ValueError(f"{text!r} is no origin, such as https://app.example.com")
        return texts
