"""A list contains the first 500 characters of each post's content, and never a whole content."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.ids import new_id
from tests.support.factories import make_post
from tests.support.posts import POSTS, Json, create_draft, create_published_post

PUBLISHED: dict[str, str] = {}
DRAFTS = {"author": "me", "status": "draft"}
ASTRAL = "\U0001f9f5"  # one character: two units of UTF-16, four bytes of UTF-8
CUT = {
    "the maximum length": ("a" * 100_000, "a" * 500),
    "one character too many": ("b" * 500 + "c", "b" * 500),
    "exactly 500 characters": ("d" * 500, "d" * 500),
    "one character less": ("e" * 499, "e" * 499),
    "empty": ("", ""),
    "astral characters": (ASTRAL * 100_000, ASTRAL * 500),
    "an astral character at the limit": ("f" * 499 + ASTRAL * 2, "f" * 499 + ASTRAL),
    "accents": ("\u00e9" * 600, "\u00e9" * 500),
    "line breaks": ("\r\n" * 400, "\r\n" * 250),
}


async def listed(client: httpx.AsyncClient, params: dict[str, str]) -> Json:
    """Return the only post of a list."""
    response = await client.get(POSTS, params=params)
    assert response.status_code == 200, response.text
    (item,) = response.json()["items"]
    post: Json = item
    return post


@pytest.mark.parametrize(("content", "excerpt"), CUT.values(), ids=CUT.keys())
async def test_an_excerpt_is_the_first_500_characters_of_the_content(
    authenticated_client: httpx.AsyncClient, content: str, excerpt: str
) -> None:
    await create_published_post(authenticated_client, content=content)
    assert (await listed(authenticated_client, PUBLISHED))["excerpt"] == excerpt


async def test_the_excerpt_of_a_draft_is_cut_as_well(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await create_draft(authenticated_client, content="a" * 100_000)
    assert (await listed(authenticated_client, DRAFTS))["excerpt"] == "a" * 500


async def test_the_list_of_an_author_contains_excerpts(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await create_published_post(authenticated_client, content="a" * 501)
    assert (await listed(authenticated_client, {"author": "me"}))["excerpt"] == "a" * 500


async def test_a_listed_post_has_an_excerpt_instead_of_content(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    await authenticated_client.put("/api/v1/profiles/me", json={"display_name": "Ada"})
    post = await create_published_post(authenticated_client, content="They weave.")
    item = await listed(client, PUBLISHED)
    assert item == {**_without(post, "content"), "excerpt": "They weave."}


async def test_a_listed_draft_has_an_excerpt_instead_of_content(
    authenticated_client: httpx.AsyncClient,
) -> None:
    draft = await create_draft(authenticated_client, content="They weave.")
    item = await listed(authenticated_client, DRAFTS)
    assert item == {**_without(draft, "content"), "excerpt": "They weave."}


async def test_a_single_post_has_its_whole_content_and_no_excerpt(
    authenticated_client: httpx.AsyncClient,
) -> None:
    post = await create_published_post(authenticated_client, content="a" * 100_000)
    read = (await authenticated_client.get(f"{POSTS}/{post['id']}")).json()
    assert read["content"] == "a" * 100_000
    assert "excerpt" not in read


async def test_a_page_of_100_long_posts_is_smaller_than_one_of_them(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    for _ in range(100):
        await make_post(db_session, new_id(), content="a" * 100_000)
    await db_session.commit()
    page = await client.get(POSTS, params={"limit": 100})
    assert len(page.json()["items"]) == 100
    assert len(page.content) < 100_000


def _without(post: Json, name: str) -> Json:
    return {key: value for key, value in post.items() if key != name}
