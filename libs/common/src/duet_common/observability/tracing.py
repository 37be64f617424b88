"""Tracing, which is off unless the settings name an exporter."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from duet_common.settings import ServiceSettings

FASTAPI_TELEMETRY: Final = TelemetryConfig(
    tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False
)
"""Disables FastAPI's own instrumentation; otherwise each request would have two server spans."""


class Tracing(Protocol):
    """One app's tracing."""

    def install(self, app: FastAPI) -> None:
        """Trace the app's requests. Call this before the app starts."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Export spans in the background while the app runs, and the last ones at shutdown."""
        ...


def tracing_of(settings: ServiceSettings, service: str, version: str) -> Tracing:
    """Return the tracing that the settings ask for. `service` is the service name in traces."""
    base = settings.otel_exporter_otlp_endpoint
    endpoint = settings.otel_exporter_otlp_traces_endpoint
    if not endpoint and base:
        endpoint = f"{base.removesuffix('/')}/v1/traces"
    match settings.otel_traces_exporter:
        case "none":
            return _Off()
        case None if not endpoint:
            return _Off()
        case chosen:
            # Imported here, so that a service without a collector does not load the SDK.
            from duet_common.observability.spans import Spans, console, otlp

            exporter = console if chosen == "console" else lambda: otlp(endpoint)
            return Spans(exporter, service, version)


class _Off:
    def install(self, app: FastAPI) -> None:
        pass

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield
