"""Tracing: nothing at all, unless the settings name an exporter."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from duet_common.settings import ServiceSettings

FASTAPI_TELEMETRY: Final = TelemetryConfig(
    tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False
)
"""FastAPI's own instrumentation, told to be quiet: every request would have two server spans."""


class Tracing(Protocol):
    """One app's tracing."""

    def install(self, app: FastAPI) -> None:
        """Trace the app's requests. Before the app is started."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """While the app runs: spans are exported in the background, the last ones at the end."""
        ...


def tracing_of(settings: ServiceSettings, service: str, version: str) -> Tracing:
    """Tracing as the settings want it; `service` is what traces call the app."""
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
            # Here, for the SDK: the import would cost a service without a collector its time.
            from duet_common.observability.spans import Spans, console, otlp

            exporter = console if chosen == "console" else lambda: otlp(endpoint)
            return Spans(exporter, service, version)


class _Off:
    def install(self, app: FastAPI) -> None:
        pass

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield
