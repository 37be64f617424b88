"""Every response has a request id and its processing time, and every error is a problem detail."""

import re

import httpx
import pytest

from tests.support.problems import assert_problem

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PATHS_OF_BOTH_SERVICES = ("/.well-known/jwks.json", "/api/v1/posts")


@pytest.mark.parametrize("path", PATHS_OF_BOTH_SERVICES)
async def test_a_response_has_its_processing_time(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    seconds = float(headers["x-process-time"])
    timing = re.fullmatch(r"app;dur=(\d+\.\d{3})", headers["server-timing"])
    assert 0 < seconds < 10
    assert timing is not None
    assert float(timing[1]) == pytest.approx(seconds * 1000, abs=0.01)


@pytest.mark.parametrize("path", PATHS_OF_BOTH_SERVICES)
async def test_each_response_has_a_new_request_id(client: httpx.AsyncClient, path: str) -> None:
    ids = [(await client.get(path)).headers["x-request-id"] for _ in range(2)]

    assert ids[0] != ids[1]
    assert all(UUID7.fullmatch(id_) for id_ in ids)


@pytest.mark.parametrize("given", ["0af7651916cd43dd", "A.b_c-0123456789", "x" * 64])
async def test_a_valid_request_id_of_the_caller_is_kept(
    client: httpx.AsyncClient, given: str
) -> None:
    response = await client.get("/api/v1/users/me", headers={"X-Request-ID": given})

    problem = assert_problem(response, 401, "authentication_required")
    assert response.headers["x-request-id"] == given
    assert problem["instance"] == f"urn:duet:request:{given}"


@pytest.mark.parametrize(
    "given",
    [b"", b"short", b"x" * 65, b"with space", b'"quoted-id"', b"<script>1234", b"caf\xe9-cafe"],
)
async def test_an_invalid_request_id_of_the_caller_is_replaced(
    client: httpx.AsyncClient, given: bytes
) -> None:
    response = await client.get("/.well-known/jwks.json", headers=[(b"X-Request-ID", given)])

    assert UUID7.fullmatch(response.headers["x-request-id"])


@pytest.mark.parametrize(
    "path",
    [
        *("/api/v1/auth/nothing", "/api/v1/auth/", "/api/v1/auth/login/%2e%2e/x"),
        *("/api/v1/users/me/", "/.well-known/nothing", "/api/v1/posts/x/y/z", "/nothing"),
    ],
)
async def test_an_unknown_path_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert_problem(await client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/auth/login", {"POST"}),
        ("PUT", "/api/v1/auth/register", {"POST"}),
        ("DELETE", "/api/v1/users", {"GET", "HEAD"}),
        ("GET", "/api/v1/users/me/password", {"PUT"}),
        ("OPTIONS", "/api/v1/auth/refresh", {"POST"}),
        ("POST", "/api/v1/users/me", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("DELETE", "/api/v1/posts", {"GET", "HEAD", "POST"}),
    ],
)
async def test_a_wrong_method_is_refused_with_the_allowed_methods(
    client: httpx.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    response = await client.request(method, path)

    assert_problem(response, 405, "method_not_allowed")
    assert set(response.headers["allow"].split(", ")) == allowed


async def test_an_error_response_has_its_processing_time(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/users/me")

    assert response.status_code == 401
    assert float(response.headers["x-process-time"]) > 0
