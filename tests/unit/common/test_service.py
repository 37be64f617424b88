"""Every app of `create_service` returns problems, limits bodies and discloses no internals."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from fastapi import APIRouter, HTTPException
from starlette.responses import StreamingResponse

from duet_common.errors import Conflict, NotFound
from duet_common.settings import ServiceSettings
from duet_common.web.app import create_service
from duet_common.web.runtime import Runtime
from duet_common.web.schemas import NonBlank, RequestModel
from tests.support.log_records import records_of
from tests.support.problems import assert_problem

router = APIRouter()


class Thing(RequestModel):
    title: NonBlank


@router.get("/fails")
async def fail() -> None:
    raise RuntimeError("hunter2")


@router.get("/breaks-off")
async def break_off() -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError("hunter2")

    return StreamingResponse(chunks())


@router.get("/conflict")
async def conflict() -> None:
    raise Conflict("Two of them", headers={"X-Which": "both"})


@router.get("/framework/{status}")
async def framework(status: int) -> None:
    raise HTTPException(status, "hunter2")


@router.post("/things")
async def create(thing: Thing) -> Thing:
    return thing


@router.get("/things/{number}")
async def read(number: int) -> int:
    raise NotFound


@router.put("/things/{number}")
async def replace(number: int) -> int:
    return number


def no_runtime() -> AbstractAsyncContextManager[Runtime]:
    """These tests do not start the app."""
    raise NotImplementedError


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_service(
        name="things",
        title="Things",
        description="For a test.",
        version="1",
        settings=ServiceSettings(rate_limit_enabled=False, max_body_bytes=100),
        runtime=no_runtime,
        routers=[router],
        checks={},
        tags={},
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://things") as client:
        yield client


async def test_an_unexpected_error_is_logged_and_not_disclosed(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.get("/fails")

    assert_problem(response, 500, "internal_error")
    assert "hunter2" not in response.text
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "GET /fails failed."
    assert record.exc_info is not None


async def test_an_error_after_the_start_of_a_response_breaks_the_connection(
    client: httpx.AsyncClient,
) -> None:
    with pytest.raises(RuntimeError, match="hunter2"):
        await client.get("/breaks-off")


async def test_an_expected_error_is_a_problem_with_its_headers(client: httpx.AsyncClient) -> None:
    response = await client.get("/conflict")

    assert assert_problem(response, 409, "conflict")["detail"] == "Two of them"
    assert response.headers["x-which"] == "both"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/conflict", 409, "conflict"),
        ("/fails", 500, "internal_error"),
        ("/nothing", 404, "not_found"),
    ],
)
async def test_the_log_line_of_a_request_has_the_code_of_its_problem(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, path: str, status: int, code: str
) -> None:
    caplog.set_level(logging.INFO, logger="duet.request")

    await client.get(path)

    [record] = [
        record for record in records_of(caplog, "duet.request") if record.levelno == logging.INFO
    ]
    assert record.__dict__["status"] == status
    assert record.__dict__["code"] == code


async def test_the_log_line_of_head_has_the_code_of_its_problem(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="duet.request")

    await client.head("/conflict")

    [record] = records_of(caplog, "duet.request")
    assert (record.__dict__["method"], record.__dict__["status"]) == ("HEAD", 409)
    assert record.__dict__["code"] == "conflict"


async def test_the_log_line_of_a_successful_request_has_no_code(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="duet.request")

    await client.put("/things/1")

    [record] = records_of(caplog, "duet.request")
    assert "code" not in record.__dict__


@pytest.mark.parametrize(
    ("status", "expected_status", "code"),
    [
        (400, 400, "malformed_body"),
        (404, 404, "not_found"),
        (405, 405, "method_not_allowed"),
        (413, 413, "payload_too_large"),
        (418, 400, "bad_request"),
        (503, 500, "internal_error"),
    ],
)
async def test_an_error_of_the_framework_becomes_a_problem(
    client: httpx.AsyncClient, status: int, expected_status: int, code: str
) -> None:
    response = await client.get(f"/framework/{status}")

    assert_problem(response, expected_status, code)
    assert "hunter2" not in response.text


async def test_the_allow_header_names_every_method_of_the_path(client: httpx.AsyncClient) -> None:
    response = await client.delete("/things/1")

    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, PUT"


async def test_an_error_names_an_invalid_field_and_does_not_repeat_its_value(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post("/things", json={"title": ["hunter2"]})

    problem = assert_problem(response, 422, "validation_failed")
    assert problem["errors"] == [
        {
            "in": "body",
            "field": "/title",
            "code": "wrong_type",
            "detail": "must be a string",
            "params": {"type": "string"},
        }
    ]


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient, declared: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b" " * 60
        yield b" " * 60

    headers = {"Content-Type": "application/json"}
    content = b" " * 101 if declared else chunks()

    response = await client.post("/things", content=content, headers=headers)

    assert_problem(response, 413, "payload_too_large")


async def test_a_body_of_exactly_the_limit_is_accepted(client: httpx.AsyncClient) -> None:
    body = b'{"title": "x"}'

    response = await client.post(
        "/things",
        content=body + b" " * (100 - len(body)),
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 200


async def test_the_openapi_document_contains_the_problem_schema(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()

    problem = document["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == {"type", "title", "status", "detail", "instance", "code"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
