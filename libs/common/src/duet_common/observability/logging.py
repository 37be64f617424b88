"""Logs: one line an event on stderr, JSON for machines or text for people."""

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
"""Those whose owner gives them a handler of their own, before the app is made."""
_ACCESS_LOGS: Final = ("uvicorn.access", "gunicorn.access")
_NOBODY: Final = "-"


def configure_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Send every logger of the process through one handler. The process's entry calls it, once.

    `level` is that of Duet's own loggers. Libraries stay at INFO or above: at DEBUG the WebSocket
    and HTTP ones print headers and frames, with the tokens that are in them.
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
        # Ours says more, and leaves the query string out. uvicorn spares itself the work when
        # there is no handler to be found.
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = False
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each fetch of the JWKS
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # fourteen at a start
    logging.getLogger("uvicorn.error").addFilter(_without_query)
    logging.captureWarnings(capture=True)


class JsonLines(JsonFormatter):
    """`time` (RFC 3339, UTC), `level`, `logger`, `message`, then what there is of `request_id`,
    `trace_id`, `span_id`, the event's own fields, and `exception`, a traceback in one field."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            # uvicorn's message again, with escape sequences of a terminal
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        )

    def add_fields(
        self, log_data: LogData, record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        time = datetime.fromtimestamp(record.created, UTC)
        log_data["time"] = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        super().add_fields(log_data, record, message_dict)
        if (request_id := REQUEST_ID.get()) != _NOBODY:
            log_data["request_id"] = request_id
        span = trace.get_current_span().get_span_context()
        # Sampled, not recording: the request's line is logged when its span has just ended.
        if span.trace_flags.sampled:
            log_data["trace_id"] = trace.format_trace_id(span.trace_id)
            log_data["span_id"] = trace.format_span_id(span.span_id)


class TextLines(logging.Formatter):
    """`LEVEL logger: message [request id]`, and the traceback below it."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        request_id = REQUEST_ID.get()
        line = super().formatMessage(record)
        if not line.isprintable():
            # A path may hold an encoded line break: no caller's words may look like a line of ours.
            line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        return line if request_id == _NOBODY else f"{line} [{request_id}]"


def _without_query(record: logging.LogRecord) -> bool:
    """Cut the query string out of uvicorn's lines about WebSockets: `%s - "WebSocket %s" …`."""
    if str(record.msg).startswith('%s - "WebSocket') and isinstance(record.args, tuple):
        address, path, *rest = record.args
        record.args = (address, str(path).partition("?")[0], *rest)
    return True
