"""Spans of SQL statements, only within a traced request, with the tracer of its service."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    Tracer,
    TracerProvider,
    get_current_span,
)

SQL_TRACER: Final[ContextVar[Tracer | None]] = ContextVar("duet_sql_tracer", default=None)
"""The tracer of the app that serves the current request. asyncpg is instrumented per process, and a
process may run two apps."""


class SqlTracerProvider(TracerProvider):
    """A provider for `AsyncPGInstrumentor` that limits what is traced.

    By default, each statement of a probe and of a key refresh would be a trace of its own, and
    spans would contain the values that PostgreSQL quotes in its errors.
    """

    def get_tracer(self, *_: Any, **__: Any) -> Tracer:
        return _SqlTracer()


class _SqlTracer(Tracer):
    def start_span(self, name: str, *_: Any, **options: Any) -> Span:
        tracer = _tracer()
        return INVALID_SPAN if tracer is None else tracer.start_span(name, **options)

    @contextmanager
    def start_as_current_span(  # type: ignore[override]  # the API's own decorator is private
        self, name: str, *_: Any, **options: Any
    ) -> Iterator[Span]:
        tracer = _tracer()
        if tracer is None:
            yield INVALID_SPAN
            return
        options |= {"record_exception": False, "set_status_on_exception": False}
        with tracer.start_as_current_span(name, **options) as span:
            yield span


def _tracer() -> Tracer | None:
    return SQL_TRACER.get() if get_current_span().is_recording() else None
