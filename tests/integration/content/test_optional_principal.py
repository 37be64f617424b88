"""Posts can be read without a token, but a token that is sent must be valid."""

import httpx
import pytest

from duet_common.ids import new_id
from tests.support.posts import POSTS, create_published_post
from tests.support.problems import assert_problem, rejected_fields

REFUSED = {
    "an invalid token": "Bearer garbage",
    "three invalid parts": "Bearer a.b.c",
    "no token": "Bearer",
    "a scheme in mixed case": "bEaReR garbage",
}


async def test_posts_are_listed_without_a_token(client: httpx.AsyncClient) -> None:
    response = await client.get(POSTS)
    assert response.status_code == 200
    assert response.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED.keys())
async def test_an_invalid_token_is_refused_by_the_list(
    client: httpx.AsyncClient, header: str
) -> None:
    response = await client.get(POSTS, headers={"Authorization": header})
    assert_problem(response, 401, "invalid_token")


async def test_an_invalid_token_is_refused_even_if_the_post_does_not_exist(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get(f"{POSTS}/{new_id()}", headers={"Authorization": "Bearer garbage"})
    assert_problem(response, 401, "invalid_token")


async def test_another_authorization_scheme_is_ignored(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    post = await create_published_post(authenticated_client)
    response = await client.get(
        f"{POSTS}/{post['id']}", headers={"Authorization": "Basic YWRhOmFkYQ=="}
    )
    assert response.status_code == 200


async def test_a_token_in_the_query_is_refused_and_not_repeated(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    bearer = authenticated_client.headers["authorization"].removeprefix("Bearer ")
    response = await client.get("/api/v1/profiles/me", params={"access_token": bearer})
    assert rejected_fields(response) == [("query", "access_token", "unknown_field")]
    assert bearer not in response.text
