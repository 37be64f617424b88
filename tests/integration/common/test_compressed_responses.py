"""Large responses of both services are compressed for the clients that accept gzip."""

import json

import httpx
import pytest

from tests.support.posts import POSTS, create_draft
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser

GZIP = {"Accept-Encoding": "gzip"}
IDENTITY = {"Accept-Encoding": "identity"}
TOO_MANY_FIELDS = {f"unknown-{number}": "x" for number in range(20)}
WORDS = "They weave algebraical patterns. " * 100


def is_compressed(response: httpx.Response) -> bool:
    return response.headers.get_list("content-encoding") == ["gzip"]


async def test_both_forms_of_a_response_have_the_same_body_and_etag(
    authenticated_client: httpx.AsyncClient,
) -> None:
    path = f"{POSTS}/{(await create_draft(authenticated_client, content=WORDS))['id']}"

    gzipped = await authenticated_client.get(path, headers=GZIP)
    plain = await authenticated_client.get(path, headers=IDENTITY)

    assert is_compressed(gzipped)
    assert "content-encoding" not in plain.headers
    assert gzipped.num_bytes_downloaded < plain.num_bytes_downloaded / 4
    assert int(gzipped.headers["content-length"]) == gzipped.num_bytes_downloaded
    assert gzipped.content == plain.content
    assert gzipped.headers["etag"] == plain.headers["etag"]
    assert gzipped.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


async def test_the_etag_of_a_compressed_response_works_in_if_match(
    authenticated_client: httpx.AsyncClient,
) -> None:
    path = f"{POSTS}/{(await create_draft(authenticated_client, content=WORDS))['id']}"
    read = await authenticated_client.get(path, headers=GZIP)
    assert is_compressed(read)

    headers = {**GZIP, "If-Match": read.headers["etag"]}
    changed = await authenticated_client.patch(path, json={"title": "Looms"}, headers=headers)
    again = await authenticated_client.patch(path, json={"title": "Looms"}, headers=headers)

    assert (changed.status_code, is_compressed(changed)) == (200, True)
    assert changed.headers["etag"] != read.headers["etag"]
    assert_problem(again, 412, "precondition_failed")


async def test_the_etag_of_a_compressed_response_works_in_if_none_match(
    authenticated_client: httpx.AsyncClient,
) -> None:
    path = f"{POSTS}/{(await create_draft(authenticated_client, content=WORDS))['id']}"
    read = await authenticated_client.get(path, headers=GZIP)

    headers = {**GZIP, "If-None-Match": read.headers["etag"]}
    unchanged = await authenticated_client.get(path, headers=headers)

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == read.headers["etag"]
    assert unchanged.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("headers", [GZIP, IDENTITY])
async def test_head_has_the_headers_of_the_compressed_response(
    authenticated_client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    path = f"{POSTS}/{(await create_draft(authenticated_client, content=WORDS))['id']}"
    names = ("content-length", "content-encoding", "content-type", "etag", "vary")

    head = await authenticated_client.head(path, headers=headers)
    get = await authenticated_client.get(path, headers=headers)

    assert head.content == b""
    assert {name: head.headers.get(name) for name in names} == {
        name: get.headers.get(name) for name in names
    }


@pytest.mark.parametrize("content", ["x" * 100_000, "\x01" * 100_000, "\U0001f9f5" * 100_000])
async def test_the_largest_post_is_compressed(
    authenticated_client: httpx.AsyncClient, content: str
) -> None:
    path = f"{POSTS}/{(await create_draft(authenticated_client, content=content))['id']}"

    response = await authenticated_client.get(path, headers=GZIP)

    assert is_compressed(response)
    assert response.json()["content"] == content


@pytest.mark.parametrize("accepted", ["gzip;q=0", "identity", "br", "", "*;q=0"])
async def test_a_client_that_does_not_accept_gzip_gets_an_uncompressed_response(
    client: httpx.AsyncClient, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    document = await client.get("/openapi.json", headers=headers)
    problem = await client.post("/api/v1/auth/register", json=TOO_MANY_FIELDS, headers=headers)

    for response in (document, problem):
        assert "content-encoding" not in response.headers
        assert response.headers.get_list("vary") == ["Accept-Encoding"]


async def test_a_large_problem_detail_is_compressed(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/auth/register", json=TOO_MANY_FIELDS, headers=GZIP)

    assert_problem(response, 422, "validation_failed")
    assert is_compressed(response)


async def test_a_small_response_is_not_compressed_and_does_not_vary(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    headers = {**GZIP, **registered_user.headers}
    for path in ("/api/v1/users/me", POSTS, "/nothing"):
        response = await client.get(path, headers=headers)
        assert response.headers.keys().isdisjoint({"content-encoding", "vary"})


async def test_a_scrape_may_be_compressed(duet: Duet) -> None:
    transport = httpx.ASGITransport(duet.content)
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        gzipped = await client.get("/metrics", headers=GZIP)

    assert is_compressed(gzipped)
    assert "python_info" in gzipped.text


async def test_the_documents_of_each_service_are_compressed(duet: Duet) -> None:
    transport = httpx.ASGITransport(duet.auth)
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        response = await client.get("/openapi.json", headers=GZIP)

    assert is_compressed(response)
    assert json.loads(response.content)["info"]["title"] == "Duet auth"
