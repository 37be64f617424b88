"""A client gets gzip only if it accepts gzip and does not prefer an uncompressed response."""

import gzip
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from duet_common.web.compression import CompressionMiddleware, accepts_gzip


@pytest.mark.parametrize(
    "accepted",
    [
        *(b"gzip", b"GZIP", b"gzip, deflate, br, zstd", b"br;q=1.0, gzip;q=0.8, *;q=0.1"),
        *(
            b"gzip;q=0.001",
            b"deflate,gzip ; q=0.5",
            b"gzip;q=0.5, identity;q=0.5",
            b"identity;q=0,gzip",
        ),
    ],
)
def test_gzip_is_accepted(accepted: bytes) -> None:
    assert accepts_gzip({"headers": [(b"accept-encoding", accepted)]})


@pytest.mark.parametrize(
    "accepted",
    [
        *(b"", b"identity", b"br", b"*", b"gzip;q=0", b"gzip;q=0.000", b"gzip; Q=0", b"x-gzipped"),
        *(b"gzip;q=0.5, identity", b"gzip;q=x", b"gzip;q=nan", b"*, gzip;q=0"),
    ],
)
def test_gzip_is_not_accepted(accepted: bytes) -> None:
    assert not accepts_gzip({"headers": [(b"accept-encoding", accepted)]})


def test_several_headers_count_as_one() -> None:
    headers = [(b"accept-encoding", b"identity"), (b"accept-encoding", b"gzip;q=0.5")]

    assert not accepts_gzip({"headers": headers})
    assert accepts_gzip({"headers": [*headers[1:], (b"accept-encoding", b"br")]})


async def answer(app: ASGIApp, accepted: bytes | None = b"gzip") -> Response:
    """Return the response of an app behind the middleware."""
    messages: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    async def receive() -> MutableMapping[str, Any]:
        raise NotImplementedError

    headers = [] if accepted is None else [(b"accept-encoding", accepted)]
    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},  # so that a stream does not wait for a disconnect
        "method": "GET",
        "path": "/",
        "headers": headers,
    }
    await CompressionMiddleware(app)(scope, receive, send)
    response = Response(b"".join(m.get("body", b"") for m in messages[1:]), messages[0]["status"])
    response.raw_headers = messages[0]["headers"]
    return response


@pytest.mark.parametrize(("length", "is_compressed"), [(1023, False), (1024, True)])
async def test_a_body_of_at_least_1_kib_is_compressed(length: int, is_compressed: bool) -> None:
    body = b"x" * length

    response = await answer(Response(body))

    assert ("content-encoding" in response.headers) == is_compressed
    assert response.headers["content-length"] == str(len(response.body))
    assert (gzip.decompress(response.body) if is_compressed else response.body) == body


@pytest.mark.parametrize("accepted", [None, b"identity", b"gzip;q=0", b"gzip"])
async def test_a_compressible_response_varies_once_in_every_form(accepted: bytes | None) -> None:
    response = await answer(JSONResponse(["x" * 2000], headers={"Vary": "Cookie"}), accepted)

    vary = ", ".join(response.headers.getlist("vary"))
    assert vary == "Cookie, Accept-Encoding"
    assert ("content-encoding" in response.headers) == (accepted == b"gzip")


@pytest.mark.parametrize("accepted", [None, b"gzip"])
@pytest.mark.parametrize(("status", "varies"), [(304, True), (204, False)])
async def test_a_response_without_a_body_is_not_compressed(
    accepted: bytes | None, status: int, varies: bool
) -> None:
    response = await answer(Response(status_code=status), accepted)

    assert (response.status_code, response.body) == (status, b"")
    assert "content-encoding" not in response.headers
    assert ("vary" in response.headers) == varies


async def test_a_response_that_is_already_compressed_stays_as_it_is() -> None:
    body = gzip.compress(b"x" * 100_000, compresslevel=0)
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}

    response = await answer(Response(body, headers=headers))

    assert response.body == body
    assert response.headers.getlist("vary") == ["Accept-Encoding"]
    assert response.headers.getlist("content-encoding") == ["gzip"]


async def test_a_stream_is_compressed() -> None:
    response = await answer(StreamingResponse(iter([b"a" * 2000, b"b" * 2000])))

    assert gzip.decompress(response.body) == b"a" * 2000 + b"b" * 2000
    assert "content-length" not in response.headers
