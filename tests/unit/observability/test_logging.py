"""One line an event, whoever logged it, with the ids that find its request and its trace."""

import logging
import re
import warnings
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from duet_common.observability.logging import configure_logging
from duet_common.observability.request_id import REQUEST_ID

Lines = Callable[[], list[dict[str, object]]]
ours = logging.getLogger("duet_common.something")


@pytest.fixture
def request_id() -> Iterator[str]:
    token = REQUEST_ID.set("request-1")
    yield "request-1"
    REQUEST_ID.reset(token)


def test_an_event_is_a_line_of_json(lines: Lines) -> None:
    configure_logging("INFO", "json")
    ours.info("%d things", 3, extra={"things": 3})

    (line,) = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line.pop("time")))
    assert line == {
        "level": "INFO",
        "logger": "duet_common.something",
        "message": "3 things",
        "things": 3,
    }


def test_a_line_of_a_request_has_its_id(lines: Lines, request_id: str) -> None:
    configure_logging("INFO", "json")
    ours.info("hello")

    assert lines()[0]["request_id"] == request_id


def test_a_line_of_a_traced_request_has_the_ids_of_the_span(lines: Lines) -> None:
    configure_logging("INFO", "json")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("request", end_on_exit=False) as span:
        ours.info("during")
        span.end()
        ours.info("after it ended, as the request's own line")

    context = span.get_span_context()
    for line in lines():
        assert line["trace_id"] == f"{context.trace_id:032x}"
        assert line["span_id"] == f"{context.span_id:016x}"


def test_a_line_names_no_trace_that_was_not_sampled(lines: Lines) -> None:
    configure_logging("INFO", "json")
    tracer = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("request"):
        ours.info("hello")

    assert "trace_id" not in lines()[0]


def test_an_exception_is_one_field_of_its_line(lines: Lines) -> None:
    configure_logging("INFO", "json")
    try:
        raise LookupError("nothing here")
    except LookupError:
        ours.exception("it failed")

    (line,) = lines()
    assert line["message"] == "it failed"
    assert str(line["exception"]).startswith("Traceback")
    assert str(line["exception"]).endswith("LookupError: nothing here")


@pytest.mark.parametrize("name", ["uvicorn.error", "gunicorn.error", "alembic", "somebody.else"])
def test_every_logger_of_the_process_writes_the_same_lines(lines: Lines, name: str) -> None:
    logger = logging.getLogger(name)
    logger.addHandler(logging.StreamHandler())  # as its owner's own configuration does
    logger.propagate = False
    if name == "somebody.else":
        logger.handlers.clear()
        logger.propagate = True
    configure_logging("INFO", "json")
    logger.info("hello", extra={"color_message": "\x1b[1mhello"})

    assert [(line["logger"], "color_message" in line) for line in lines()] == [(name, False)]


def test_a_warning_of_python_is_a_line_too(lines: Lines) -> None:
    configure_logging("INFO", "json")
    with warnings.catch_warnings(action="always"):
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    assert lines()[0]["logger"] == "py.warnings"


def test_debug_is_for_our_loggers_since_others_print_tokens(lines: Lines) -> None:
    configure_logging("DEBUG", "json")
    ours.debug("ours")
    for name in ("uvicorn.error", "websockets.server", "httpcore.http11", "python_multipart"):
        logging.getLogger(name).debug("< Sec-WebSocket-Protocol: bearer.SECRET")

    assert [line["message"] for line in lines()] == ["ours"]


def test_the_level_holds(lines: Lines) -> None:
    configure_logging("WARNING", "json")
    ours.info("no")
    logging.getLogger("somebody.else").info("no")
    ours.warning("yes")

    assert [line["message"] for line in lines()] == ["yes"]


def test_the_servers_access_log_is_silent(lines: Lines) -> None:
    configure_logging("INFO", "json")
    access = logging.getLogger("uvicorn.access")

    assert not access.hasHandlers()  # by which uvicorn knows not to bother
    assert lines() == []


def test_the_servers_line_about_a_websocket_has_no_query(lines: Lines) -> None:
    configure_logging("INFO", "json")
    logging.getLogger("uvicorn.error").info(
        '%s - "WebSocket %s" [accepted]', "127.0.0.1:5", "/ws/c1?token=SECRET"
    )

    assert lines()[0]["message"] == '127.0.0.1:5 - "WebSocket /ws/c1" [accepted]'


def test_configuring_twice_doubles_nothing(lines: Lines) -> None:
    configure_logging("INFO", "text")
    configure_logging("INFO", "json")
    ours.info("hello")

    assert len(lines()) == 1


def test_text_is_for_people(
    logging_restored: None, capsys: pytest.CaptureFixture[str], request_id: str
) -> None:
    configure_logging("INFO", "text")
    ours.info("hello %s", "Zoë")

    assert capsys.readouterr().err == f"INFO duet_common.something: hello Zoë [{request_id}]\n"


def test_nobody_can_write_a_line_of_text_that_looks_like_ours(
    logging_restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO", "text")
    ours.info("GET %s", "/x\nERROR duet: all is lost\x1b[2J\u2028")

    line = r"INFO duet_common.something: GET /x\nERROR duet: all is lost\x1b[2J\u2028"
    assert capsys.readouterr().err == line + "\n"
