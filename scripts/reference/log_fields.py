"""The fields of log lines, from lines that the formatter and the request middleware write.

Asyncio runs here, so a running event loop cannot call this module.
"""

import asyncio
import io
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx
from opentelemetry.sdk.trace import TracerProvider

from duet_common.observability.logging import JsonLines
from duet_common.observability.request_id import REQUEST_ID
from scripts.reference.apps import apps
from scripts.reference.markdown import code, table

_LOGGER: Final = logging.getLogger("duet.request")
_TYPES: Final = {str: "string", int: "integer", float: "number"}
_MEANINGS: Final = {
    "time": "when the line was logged: RFC 3339, UTC, with milliseconds",
    "level": "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`",
    "logger": "name of the logger, usually the Python module",
    "message": "what happened, for people",
    "exception": "the traceback, on lines about an exception",
    "request_id": "id of the request, on lines that are logged while one is served: "
    "the same as in `X-Request-ID` and in a problem's `instance`",
    "trace_id": "id of the trace, if it is sampled",
    "span_id": "id of the current span, if it is sampled",
    "method": "HTTP method",
    "path": "path, never with the query string, where callers put secrets",
    "status": "status of the response; 0 if the connection ended before there was one",
    "duration_ms": "milliseconds until the response was sent",
    "client": "address of the client, as determined with `TRUSTED_PROXIES`",
    "code": "`code` of the problem, if the response is one",
}


class UndocumentedField(Exception):
    """A log line has a field without a meaning."""


def common_fields() -> str:
    """Return a table of the fields that any line can have."""
    return _field_table(_line_with_every_common_field())


def request_fields() -> str:
    """Return a table of the fields that only the line about a request has."""
    common = _line_with_every_common_field()
    return _field_table({k: v for k, v in _line_of_a_refused_request().items() if k not in common})


def _field_table(line: Mapping[str, object]) -> str:
    if unknown := line.keys() - _MEANINGS.keys():
        raise UndocumentedField(f"_MEANINGS in {__name__} does not describe {sorted(unknown)}")
    rows = [(code(name), _TYPES[type(value)], _MEANINGS[name]) for name, value in line.items()]
    return table(("field", "type", "meaning"), rows)


def _line_with_every_common_field() -> dict[str, object]:
    """Return the line of an exception in a request that is traced."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer(__name__)
    request_id = REQUEST_ID.set("0198c0de-0000-7000-8000-000000000000")
    with _captured_line() as stream, tracer.start_as_current_span("request"):
        try:
            raise LookupError
        except LookupError:
            _LOGGER.exception("An exception")
    REQUEST_ID.reset(request_id)
    return _parse(stream)


def _line_of_a_refused_request() -> dict[str, object]:
    async def request() -> None:
        transport = httpx.ASGITransport(apps()["auth"])
        async with httpx.AsyncClient(transport=transport, base_url="http://auth") as client:
            await client.get("/nothing")

    with _captured_line() as stream:
        asyncio.run(request())
    return _parse(stream)


@contextmanager
def _captured_line() -> Iterator[io.StringIO]:
    """Write what the request logger logs as JSON into a buffer, and nowhere else."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    level, propagate = _LOGGER.level, _LOGGER.propagate
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    try:
        yield stream
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)
        _LOGGER.propagate = propagate


def _parse(stream: io.StringIO) -> dict[str, object]:
    line: dict[str, object] = json.loads(stream.getvalue())
    return line
