"""Every operation refuses what it does not know, and answers HEAD like GET."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from duet_common.ids import new_id
from duet_common.web.api_route import ApiRoute
from tests.support.openapi import APPS, OPERATIONS, Operation
from tests.support.posts import create_published_post
from tests.support.problems import assert_problem, rejected_fields
from tests.support.users import RegisteredUser

XML = {"Content-Type": "application/xml"}
WITH_A_BODY = [operation for operation in OPERATIONS if "requestBody" in operation.definition]


def path_of(operation: Operation) -> str:
    """Return the path of an operation with an id of nothing."""
    return operation.path.format(user_id=new_id(), post_id=new_id(), session_id=new_id())


@pytest.mark.parametrize("service", APPS)
def test_every_documented_route_is_strict(service: str) -> None:
    routes = [context.original_route for context in iter_route_contexts(APPS[service].routes)]
    documented = [r for r in routes if isinstance(r, APIRoute) and r.include_in_schema]

    assert documented
    assert all(isinstance(route, ApiRoute) for route in documented)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_an_unknown_query_parameter_is_refused(
    authenticated_client: httpx.AsyncClient, operation: Operation
) -> None:
    response = await authenticated_client.request(
        operation.method, path_of(operation), params={"debug": "1", "verbose": "1"}
    )

    assert rejected_fields(response) == [
        ("query", "debug", "unknown_field"),
        ("query", "verbose", "unknown_field"),
    ]


async def test_a_request_with_an_unknown_parameter_has_no_effect(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.post("/api/v1/auth/logout", params={"all": "1"})

    assert (await authenticated_client.get("/api/v1/users/me")).status_code == 200


@pytest.mark.parametrize("operation", WITH_A_BODY, ids=str)
async def test_a_body_of_another_media_type_is_refused_and_the_right_one_named(
    authenticated_client: httpx.AsyncClient, operation: Operation
) -> None:
    response = await authenticated_client.request(
        operation.method, path_of(operation), content="<x/>", headers=XML
    )

    problem = assert_problem(response, 415, "unsupported_media_type")
    [expected] = operation.definition["requestBody"]["content"]
    assert response.headers["accept"] == expected
    assert problem["detail"] == f"Send the request body as {expected}."


async def test_a_chunked_body_of_another_media_type_is_refused(
    authenticated_client: httpx.AsyncClient,
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"<x/>"

    response = await authenticated_client.post("/api/v1/posts", content=chunks(), headers=XML)

    assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"],
)
async def test_a_json_body_may_have_parameters_and_a_suffix_in_its_media_type(
    authenticated_client: httpx.AsyncClient, media_type: str
) -> None:
    response = await authenticated_client.patch(
        "/api/v1/users/me", content='{"last_name": "King"}', headers={"Content-Type": media_type}
    )

    assert response.status_code == 200, response.text
    assert response.json()["last_name"] == "King"


async def test_a_missing_body_is_a_validation_error(
    authenticated_client: httpx.AsyncClient,
) -> None:
    response = await authenticated_client.post("/api/v1/posts", headers=XML)

    assert rejected_fields(response) == [("body", "", "required")]


@pytest.mark.parametrize("path", ["/api/v1/posts", "/.well-known/jwks.json", "/openapi.json"])
async def test_head_has_the_headers_of_get_and_no_body(
    authenticated_client: httpx.AsyncClient, path: str
) -> None:
    get = await authenticated_client.get(path)
    head = await authenticated_client.head(path)

    assert (head.status_code, head.content) == (get.status_code, b"")
    for name in ("content-length", "content-type", "cache-control", "etag"):
        assert head.headers.get(name) == get.headers.get(name)


async def test_head_of_a_post_has_its_etag(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    post = await create_published_post(authenticated_client)
    url = f"/api/v1/posts/{post['id']}"

    assert (await authenticated_client.head(url)).headers["etag"] == (
        await authenticated_client.get(url)
    ).headers["etag"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/users/me", 401), ("/api/v1/nothing", 404), ("/api/v1/posts?limit=0", 422)],
)
async def test_head_has_the_status_of_the_error_and_no_body(
    client: httpx.AsyncClient, path: str, status: int
) -> None:
    response = await client.head(path)

    assert (response.status_code, response.content) == (status, b"")


async def test_head_of_a_path_without_get_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.head("/api/v1/auth/login")

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
