"""OpenTelemetry spans: one per request, and one per SQL statement within it."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import Span

from duet_common.observability.sql_spans import SQL_TRACER, SqlTracerProvider
from duet_common.paths import PROBE_PATHS

logger = logging.getLogger(__name__)

_UNTRACED: Final = f"^[a-z]+://[^/]*({'|'.join(sorted(PROBE_PATHS))})$"
_SECRET_HEADERS: Final = ["authorization", "cookie", "set-cookie", "sec-websocket-protocol"]
_WITH_QUERY: Final = ("url.query", "http.url", "http.target")
_REDACTED: Final = "REDACTED"
_LAST_EXPORT_SECONDS: Final = 3.0


def otlp(endpoint: str | None) -> SpanExporter:
    """Return an exporter to `endpoint`, a full URL, by OTLP over HTTP.

    The SDK's environment variables configure the rest.
    """
    return OTLPSpanExporter(endpoint=endpoint)


def console() -> SpanExporter:
    return ConsoleSpanExporter()


class Spans:
    """The spans of one app. No provider is global: the standalone server has two apps.

    The SDK reads `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`,
    `OTEL_PROPAGATORS` and `OTEL_BSP_*`.
    """

    def __init__(self, exporter: Callable[[], SpanExporter], service: str, version: str) -> None:
        self._exporter = exporter
        ours = Resource.create({"service.name": service, "service.version": version})
        self._provider = TracerProvider(
            resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
        )

    def install(self, app: FastAPI) -> None:
        # Use the stable names (http.route, db.query.text). Instrumentations read this variable.
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
        sql_tracer = self._provider.get_tracer("duet_common.observability.sql_spans")

        def begin(span: Span, scope: dict[str, Any]) -> None:
            SQL_TRACER.set(sql_tracer)
            if scope["query_string"]:
                _hide_query(span)

        FastAPIInstrumentor.instrument_app(
            app,
            server_request_hook=begin,
            tracer_provider=self._provider,
            meter_provider=NoOpMeterProvider(),  # Prometheus collects them
            excluded_urls=_UNTRACED,
            http_capture_headers_sanitize_fields=_SECRET_HEADERS,
            exclude_spans=["receive", "send"],
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        exporter = self._exporter()
        # This starts a thread, which must happen after a server has forked.
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        sql = AsyncPGInstrumentor()  # type: ignore[no-untyped-call]  # untyped in contrib
        is_first = not sql.is_instrumented_by_opentelemetry
        if is_first:
            sql.instrument(tracer_provider=SqlTracerProvider())
        try:
            yield
        finally:
            if is_first:
                sql.uninstrument()
            await self._send_the_last(exporter)

    async def _send_the_last(self, exporter: SpanExporter) -> None:
        sending = asyncio.create_task(asyncio.to_thread(self._provider.shutdown))
        done, _ = await asyncio.wait({sending}, timeout=_LAST_EXPORT_SECONDS)
        if not done:
            logger.warning("The last spans were lost: no export within %s s.", _LAST_EXPORT_SECONDS)
            exporter.shutdown()  # ends its retries, which can exceed the grace period of a pod
        await sending


def _hide_query(span: Span) -> None:
    """Overwrite the attributes that contain the query string: they cannot be removed."""
    attributes = getattr(span, "attributes", None) or {}
    for name in _WITH_QUERY:
        if name in attributes:
            span.set_attribute(name, _REDACTED)
