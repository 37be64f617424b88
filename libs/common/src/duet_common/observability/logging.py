"""Logging: one line per event on stderr, as JSON for machines or text for people."""

import logging
from datetime import UTC, datetime
from typing import Any, Final

from opentelemetry import trace
from pythonjsonlogger.core import RESERVED_ATTRS, LogData
from pythonjsonlogger.json import JsonFormatter

from duet_common.observability.request_id import REQUEST_ID
from duet_common.settings import LogFormat, LogLevel

_OURS: Final = ("duet", "duet_common", "duet_auth", "duet_content", "duet_standalone")
_WITH_HANDLERS: Final = ("uvicorn", "uvicorn.error", "gunicorn.error", "alembic")
"""Loggers to which their library adds a handler before the app is created."""
_ACCESS_LOGS: Final = ("uvicorn.access", "gunicorn.access")
_NO_REQUEST: Final = "-"


def configure_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Send the records of every logger through one handler. A process calls this once, at startup.

    `level` applies to Duet's own loggers. Libraries stay at INFO or above, because the HTTP and
    WebSocket libraries print headers and frames at DEBUG, and these contain tokens.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    for name in _WITH_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _ACCESS_LOGS:
        # Our own request line has more fields and no query string. Without a handler, uvicorn
        # does not format its line.
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = False
    logging.getLogger("httpx").setLevel(
        logging.WARNING
    )  # it logs a line for each fetch of the JWKS
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # 14 lines at startup
    logging.getLogger("uvicorn.error").addFilter(_without_query)
    logging.captureWarnings(capture=True)


class JsonLines(JsonFormatter):
    """Formats a record as `time` (RFC 3339, UTC), `level`, `logger` and `message`, plus those that
    exist of `request_id`, `trace_id`, `span_id`, the event's own fields, and `exception`, the
    traceback."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            # uvicorn's message again, with a terminal's escape sequences
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        )

    def add_fields(
        self, log_data: LogData, record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        time = datetime.fromtimestamp(record.created, UTC)
        log_data["time"] = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        super().add_fields(log_data, record, message_dict)
        if (request_id := REQUEST_ID.get()) != _NO_REQUEST:
            log_data["request_id"] = request_id
        span = trace.get_current_span().get_span_context()
        # Not `is_recording`: the request's line is logged just after its span has ended.
        if span.trace_flags.sampled:
            log_data["trace_id"] = trace.format_trace_id(span.trace_id)
            log_data["span_id"] = trace.format_span_id(span.span_id)


class TextLines(logging.Formatter):
    """Formats a record as `LEVEL logger: message [request id]`, with the traceback below it."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        request_id = REQUEST_ID.get()
        line = super().formatMessage(record)
        if not line.isprintable():
            # A path may contain an encoded line break; it must not look like another log line.
            line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        return line if request_id == _NO_REQUEST else f"{line} [{request_id}]"


def _without_query(record: logging.LogRecord) -> bool:
    """Remove the query string from uvicorn's lines about WebSockets: `%s - "WebSocket %s" …`."""
    if str(record.msg).startswith('%s - "WebSocket') and isinstance(record.args, tuple):
        address, path, *rest = record.args
        record.args = (address, str(path).partition("?")[0], *rest)
    return True
