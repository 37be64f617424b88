"""Settings that both services read from the environment, when the class is instantiated."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

from duet_common.origins import AllowedOrigins
from duet_common.tokens.claims import ClaimsPolicy

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "text"]


class ServiceSettings(BaseSettings):
    """The base of each service's settings. The README shows each field's description."""

    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    token_issuer: str = Field("https://duet.local", description="`iss` of every access token")
    token_audience: str = Field("duet", description="`aud` of every access token")
    allowed_origins: AllowedOrigins = Field(
        default_factory=list,
        description="origins (JSON list) whose pages may use the API and open WebSockets, besides "
        'the API\'s own origin, such as `["https://app.example.com"]`',
    )
    rate_limit_enabled: bool = Field(
        default=True, description="`false` disables every rate limit, for tests and benchmarks"
    )
    rate_limit_address: PositiveInt = Field(
        100, description="maximum requests per minute per client address without a valid token"
    )
    rate_limit_principal: PositiveInt = Field(
        1000, description="maximum requests per minute per user"
    )
    max_body_bytes: PositiveInt = Field(
        1024 * 1024, description="maximum size of a request body, in bytes; a larger one gets 413"
    )
    database_pool_size: PositiveInt = Field(5, description="connections kept open for transactions")
    database_max_overflow: int = Field(
        10, ge=0, description="additional connections for transactions under load"
    )
    database_read_pool_size: PositiveInt = Field(
        5, description="maximum number of read-only connections"
    )
    database_pool_pre_ping: bool = Field(
        default=False,
        description="test each connection before it is used (costs 11 to 26 % of the throughput)",
    )
    database_pooler: bool = Field(
        default=False,
        description="the database URL points to a pooler in transaction mode, such as pgbouncer",
    )
    database_echo: bool = Field(
        default=False, description="log every SQL statement, without its parameters"
    )
    database_timeout_seconds: PositiveFloat = Field(
        5.0, description="maximum time for a statement, and to wait for a connection; then 503"
    )
    log_level: LogLevel = Field("INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`")
    log_format: LogFormat = Field(
        "json", description="`json` (one object per line) or `text` (the default of `make run`)"
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        description="URL of an OTLP collector (HTTP), such as `http://collector:4318`; it enables "
        "tracing, which the SDK's other `OTEL_*` variables configure further",
    )
    otel_exporter_otlp_traces_endpoint: str | None = Field(
        None, description="URL of an OTLP collector for traces only, including the path"
    )
    otel_traces_exporter: Literal["otlp", "console", "none"] | None = Field(
        None,
        description="`otlp` (the default with an endpoint), `console` (spans on stdout) or `none`",
    )

    def claims_policy(self) -> ClaimsPolicy:
        return ClaimsPolicy(
            issuer=self.token_issuer,
            audience=self.token_audience,
            max_lifetime=timedelta(hours=1),
        )


class ServeSettings(BaseSettings):
    """Settings of `serve`, in addition to those of the service."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    trusted_proxies: str = Field(
        "",
        description="comma-separated networks of proxies whose `X-Forwarded-For` is trusted; "
        "addresses are counted from the right",
    )
    drain_seconds: PositiveInt = Field(
        20, description="maximum time after SIGTERM until requests and WebSockets have ended"
    )
