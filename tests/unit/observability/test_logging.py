"""Each event is logged as one line, with the ids of its request and its trace."""

import logging
import re
import warnings
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from duet_common.observability.logging import configure_logging
from duet_common.observability.request_id import REQUEST_ID

ReadLines = Callable[[], list[dict[str, object]]]
duet_logger = logging.getLogger("duet_common.something")


@pytest.fixture
def request_id() -> Iterator[str]:
    token = REQUEST_ID.set("request-1")
    yield "request-1"
    REQUEST_ID.reset(token)


def test_an_event_is_logged_as_one_line_of_json(read_lines: ReadLines) -> None:
    configure_logging("INFO", "json")
    duet_logger.info("%d things", 3, extra={"things": 3})

    (line,) = read_lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line.pop("time")))
    assert line == {
        "level": "INFO",
        "logger": "duet_common.something",
        "message": "3 things",
        "things": 3,
    }


def test_a_line_logged_during_a_request_has_the_request_id(
    read_lines: ReadLines, request_id: str
) -> None:
    configure_logging("INFO", "json")
    duet_logger.info("hello")

    assert read_lines()[0]["request_id"] == request_id


def test_a_line_logged_during_a_traced_request_has_the_ids_of_the_span(
    read_lines: ReadLines,
) -> None:
    configure_logging("INFO", "json")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("request", end_on_exit=False) as span:
        duet_logger.info("during")
        span.end()
        duet_logger.info("after the span has ended, as the line about a request")

    context = span.get_span_context()
    for line in read_lines():
        assert line["trace_id"] == f"{context.trace_id:032x}"
        assert line["span_id"] == f"{context.span_id:016x}"


def test_a_line_has_no_trace_id_if_the_trace_is_not_sampled(read_lines: ReadLines) -> None:
    configure_logging("INFO", "json")
    tracer = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("request"):
        duet_logger.info("hello")

    assert "trace_id" not in read_lines()[0]


def test_an_exception_is_logged_in_one_field(read_lines: ReadLines) -> None:
    configure_logging("INFO", "json")
    try:
        raise LookupError("nothing here")
    except LookupError:
        duet_logger.exception("it failed")

    (line,) = read_lines()
    assert line["message"] == "it failed"
    assert str(line["exception"]).startswith("Traceback")
    assert str(line["exception"]).endswith("LookupError: nothing here")


@pytest.mark.parametrize("name", ["uvicorn.error", "gunicorn.error", "alembic", "somebody.else"])
def test_the_loggers_of_other_libraries_write_json_lines(read_lines: ReadLines, name: str) -> None:
    logger = logging.getLogger(name)
    logger.addHandler(logging.StreamHandler())  # as the library's own configuration does
    logger.propagate = False
    if name == "somebody.else":
        logger.handlers.clear()
        logger.propagate = True
    configure_logging("INFO", "json")
    logger.info("hello", extra={"color_message": "\x1b[1mhello"})

    assert [(line["logger"], "color_message" in line) for line in read_lines()] == [(name, False)]


def test_a_python_warning_is_logged(read_lines: ReadLines) -> None:
    configure_logging("INFO", "json")
    with warnings.catch_warnings(action="always"):
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    assert read_lines()[0]["logger"] == "py.warnings"


def test_debug_lines_of_other_libraries_are_not_logged(read_lines: ReadLines) -> None:
    """Some libraries log tokens at that level."""
    configure_logging("DEBUG", "json")
    duet_logger.debug("ours")
    for name in ("uvicorn.error", "websockets.server", "httpcore.http11", "python_multipart"):
        logging.getLogger(name).debug("< Sec-WebSocket-Protocol: bearer.SECRET")

    assert [line["message"] for line in read_lines()] == ["ours"]


def test_events_below_the_level_are_not_logged(read_lines: ReadLines) -> None:
    configure_logging("WARNING", "json")
    duet_logger.info("no")
    logging.getLogger("somebody.else").info("no")
    duet_logger.warning("yes")

    assert [line["message"] for line in read_lines()] == ["yes"]


def test_the_access_log_of_uvicorn_is_disabled(read_lines: ReadLines) -> None:
    configure_logging("INFO", "json")
    access = logging.getLogger("uvicorn.access")

    assert not access.hasHandlers()  # uvicorn skips the access log if there are none
    assert read_lines() == []


def test_the_line_of_uvicorn_about_a_websocket_has_no_query_string(read_lines: ReadLines) -> None:
    configure_logging("INFO", "json")
    logging.getLogger("uvicorn.error").info(
        '%s - "WebSocket %s" [accepted]', "127.0.0.1:5", "/ws/c1?token=SECRET"
    )

    assert read_lines()[0]["message"] == '127.0.0.1:5 - "WebSocket /ws/c1" [accepted]'


def test_configuring_logging_twice_does_not_duplicate_lines(read_lines: ReadLines) -> None:
    configure_logging("INFO", "text")
    configure_logging("INFO", "json")
    duet_logger.info("hello")

    assert len(read_lines()) == 1


def test_a_line_of_text_has_the_level_the_logger_the_message_and_the_request_id(
    restored_logging: None, capsys: pytest.CaptureFixture[str], request_id: str
) -> None:
    configure_logging("INFO", "text")
    duet_logger.info("hello %s", "Zoë")

    assert capsys.readouterr().err == f"INFO duet_common.something: hello Zoë [{request_id}]\n"


def test_a_line_break_in_a_message_cannot_forge_a_line_of_text(
    restored_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO", "text")
    duet_logger.info("GET %s", "/x\nERROR duet: all is lost\x1b[2J\u2028")

    line = r"INFO duet_common.something: GET /x\nERROR duet: all is lost\x1b[2J\u2028"
    assert capsys.readouterr().err == line + "\n"
