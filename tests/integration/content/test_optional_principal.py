"""Reading posts needs no token, but a token that is sent is checked."""

import httpx
import pytest

from duet_common.ids import new_id
from tests.support.posts import POSTS, write_post
from tests.support.problems import assert_problem

REFUSED = {
    "garbage": "Bearer garbage",
    "three parts of garbage": "Bearer a.b.c",
    "nothing": "Bearer",
    "another case": "bEaReR garbage",
}


async def test_posts_are_listed_without_a_token(client: httpx.AsyncClient) -> None:
    answer = await client.get(POSTS)
    assert answer.status_code == 200
    assert answer.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED.keys())
async def test_the_list_refuses_a_token_of(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.get(POSTS, headers={"Authorization": header})
    assert_problem(answer, 401, "invalid_token")


async def test_a_post_refuses_a_bad_token_before_it_is_looked_for(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(f"{POSTS}/{new_id()}", headers={"Authorization": "Bearer garbage"})
    assert_problem(answer, 401, "invalid_token")


async def test_another_scheme_is_no_token(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    post = await write_post(authenticated_client)
    answer = await client.get(
        f"{POSTS}/{post['id']}", headers={"Authorization": "Basic YWRhOmFkYQ=="}
    )
    assert answer.status_code == 200


async def test_a_token_in_the_query_is_not_looked_at(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    bearer = authenticated_client.headers["authorization"].removeprefix("Bearer ")
    answer = await client.get("/api/v1/profiles/me", params={"access_token": bearer})
    assert_problem(answer, 401, "authentication_required")
