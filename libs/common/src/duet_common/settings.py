"""Settings that both services read from the environment. Nothing is read on import."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from duet_common.tokens.claims import ClaimsPolicy

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "text"]


class ServiceSettings(BaseSettings):
    """The base of each service's settings; a field's description is its line in the README."""

    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    token_issuer: str = Field("https://duet.local", description="`iss` of every access token")
    token_audience: str = Field("duet", description="`aud` of every access token")
    rate_limit_enabled: bool = Field(
        default=True, description="`false` turns every rate limit off, for a test or a bench"
    )
    rate_limit_address: PositiveInt = Field(
        100, description="requests a minute for an address that sends no valid token"
    )
    rate_limit_principal: PositiveInt = Field(
        1000, description="requests a minute for a user, whatever the address"
    )
    max_body_bytes: PositiveInt = Field(
        1024 * 1024, description="largest request body; over it: 413"
    )
    database_pool_size: PositiveInt = Field(5, description="connections kept for transactions")
    database_max_overflow: int = Field(10, ge=0, description="further ones under load")
    database_read_pool_size: PositiveInt = Field(5, description="read-only connections")
    database_pool_pre_ping: bool = Field(
        default=False, description="test a connection before each use (costs 11 to 26 %)"
    )
    database_pooler: bool = Field(
        default=False,
        description="the URL is that of a pooler in transaction mode, such as pgbouncer",
    )
    database_echo: bool = Field(
        default=False, description="log every SQL statement, without its parameters"
    )
    database_timeout_seconds: PositiveFloat = Field(
        5.0, description="longest statement, and longest wait for a connection; then 503"
    )
    log_level: LogLevel = Field("INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`")
    log_format: LogFormat = Field(
        "json", description="`json`, one object a line, or `text`, which `make run` prefers"
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        description="an OTLP collector over HTTP, such as `http://collector:4318`; with it, "
        "requests are traced, and the other `OTEL_*` variables of the SDK hold",
    )
    otel_exporter_otlp_traces_endpoint: str | None = Field(
        None, description="the same for traces alone, with its path"
    )
    otel_traces_exporter: Literal["otlp", "console", "none"] | None = Field(
        None, description="`otlp` when there is an endpoint; `console` prints spans on stdout"
    )

    def claims_policy(self) -> ClaimsPolicy:
        return ClaimsPolicy(
            issuer=self.token_issuer,
            audience=self.token_audience,
            max_lifetime=timedelta(hours=1),
        )
