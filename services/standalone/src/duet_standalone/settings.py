"""Settings of the standalone server."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class StandaloneSettings(BaseSettings):
    """Settings of `make run`, in addition to those of the two services."""

    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    data_dir: Path = Field(Path(".data"), description="folder in which `make run` keeps its state")
    database_url: SecretStr | None = Field(
        None,
        description="URL of your own server, `postgresql://…`, instead of the embedded one; the "
        "databases `duet_auth` and `duet_content` are created on it",
    )
