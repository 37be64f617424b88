"""Following the cursors of a list returns every post once, even if posts change meanwhile."""

import base64
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.db.keyset import Cursor
from duet_common.ids import new_id
from tests.support.factories import make_post
from tests.support.posts import POSTS, create_draft, create_published_post
from tests.support.problems import assert_problem
from tests.support.users import RegisteredUser

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
VALID_CURSOR = Cursor(NOON, new_id()).encode()
BAD_CURSORS = {
    "empty": "",
    "text": "next please",
    "too short": VALID_CURSOR[:-4],
    "too long": VALID_CURSOR + "AAAA",
    "the standard base64 alphabet": "+/" + VALID_CURSOR[2:],
    "padded": VALID_CURSOR[:-1] + "=",
    "before year 1": base64.urlsafe_b64encode(b"\x80" + bytes(23)).decode(),
    "after year 9999": base64.urlsafe_b64encode(b"\x7f" + bytes(23)).decode(),
    "NUL": VALID_CURSOR[:-1] + "\0",
    "a space": VALID_CURSOR[:-1] + " ",
    "not ASCII": VALID_CURSOR[:-1] + "é",
    "full-width letters": "\uff21" * 32,
    "a number": "2",
}


@pytest.fixture
async def twenty_posts(db_session: AsyncSession) -> list[str]:
    """The ids of 20 published posts, newest first; they have 2 authors and 4 distinct times."""
    authors = (new_id(), new_id())
    posts = [
        await make_post(
            db_session,
            authors[number % 2],
            published_at=NOON + timedelta(microseconds=number // 5),
        )
        for number in range(20)
    ]
    await db_session.commit()
    key = {post.id: (post.published_at, post.id) for post in posts}
    return [str(id_) for id_ in sorted(key, key=lambda id_: key[id_], reverse=True)]


async def pages(client: httpx.AsyncClient, **params: str | int) -> AsyncIterator[list[str]]:
    """Follow `next_cursor` and yield the ids of each page."""
    cursor: str | None = None
    while True:
        following = {} if cursor is None else {"cursor": cursor}
        response = await client.get(POSTS, params={**params, **following})
        assert response.status_code == 200, response.text
        yield [post["id"] for post in response.json()["items"]]
        cursor = response.json()["next_cursor"]
        if cursor is None:
            return


async def test_pages_contain_every_post_once_in_order(
    client: httpx.AsyncClient, twenty_posts: list[str]
) -> None:
    found = [page async for page in pages(client, limit=3)]
    assert [len(page) for page in found] == [3, 3, 3, 3, 3, 3, 2]
    assert [id_ for page in found for id_ in page] == twenty_posts


@pytest.mark.parametrize("limit", [1, 5, 19, 20, 21])
async def test_pages_of_any_size_contain_the_same_posts(
    client: httpx.AsyncClient, twenty_posts: list[str], limit: int
) -> None:
    found = [page async for page in pages(client, limit=limit)]
    assert [id_ for page in found for id_ in page] == twenty_posts
    assert len(found) == -(-20 // limit)


async def test_a_page_has_twenty_posts_by_default(
    client: httpx.AsyncClient, twenty_posts: list[str], authenticated_client: httpx.AsyncClient
) -> None:
    await create_published_post(authenticated_client)
    first = (await client.get(POSTS)).json()
    assert len(first["items"]) == len(twenty_posts)
    assert first["next_cursor"] is not None


async def test_a_new_post_does_not_shift_later_pages(
    client: httpx.AsyncClient, twenty_posts: list[str], authenticated_client: httpx.AsyncClient
) -> None:
    found: list[str] = []
    async for page in pages(client, limit=3):
        found += page
        await create_published_post(authenticated_client)
    assert found == twenty_posts


async def test_an_unpublished_post_does_not_hide_other_posts(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    written = [(await create_published_post(authenticated_client))["id"] for _ in range(7)]
    newest_first = written[::-1]
    found: list[str] = []
    async for page in pages(client, limit=3):
        found += page
        # The cursor names this post.
        await authenticated_client.post(f"{POSTS}/{page[-1]}/unpublish")
    assert found == newest_first


async def test_pages_of_one_author_contain_only_their_posts(
    client: httpx.AsyncClient, twenty_posts: list[str]
) -> None:
    all_posts = (await client.get(POSTS, params={"limit": 100})).json()["items"]
    authors = Counter(post["author"]["id"] for post in all_posts)
    assert len(authors) == 2
    for author in authors:
        theirs = [post["id"] for post in all_posts if post["author"]["id"] == author]
        found = [page async for page in pages(client, limit=3, author=author)]
        assert [id_ for page in found for id_ in page] == theirs


async def test_pages_of_drafts_contain_every_draft_once(
    authenticated_client: httpx.AsyncClient,
    db_session: AsyncSession,
    registered_user: RegisteredUser,
) -> None:
    drafts = [
        # One transaction, so that they share `created_at`.
        str((await make_post(db_session, registered_user.id, published=False)).id)
        for _ in range(7)
    ]
    await db_session.commit()
    found = [
        page async for page in pages(authenticated_client, limit=3, author="me", status="draft")
    ]
    assert [id_ for page in found for id_ in page] == sorted(drafts, reverse=True)


async def test_the_next_link_keeps_the_filters_of_the_list(
    client: httpx.AsyncClient, twenty_posts: list[str]
) -> None:
    author = (await client.get(f"{POSTS}/{twenty_posts[0]}")).json()["author"]["id"]
    first = await client.get(POSTS, params={"limit": 3, "author": author})
    assert first.links["next"]["url"].startswith(f"{POSTS}?")
    second = await client.get(first.links["next"]["url"])
    params = {"limit": 3, "author": author, "cursor": first.json()["next_cursor"]}
    assert second.json() == (await client.get(POSTS, params=params)).json()
    assert second.json()["items"]


async def test_the_last_page_has_no_next_link(
    client: httpx.AsyncClient, twenty_posts: list[str]
) -> None:
    response = await client.get(POSTS, params={"limit": len(twenty_posts)})
    assert response.json()["next_cursor"] is None
    assert "link" not in response.headers


async def test_the_next_link_does_not_contain_the_host_header(
    client: httpx.AsyncClient, twenty_posts: list[str]
) -> None:
    response = await client.get(POSTS, params={"limit": 1}, headers={"Host": "evil.test"})
    assert response.links["next"]["url"].startswith(f"{POSTS}?")


async def test_a_cursor_is_valid_after_its_post_is_deleted(
    authenticated_client: httpx.AsyncClient,
) -> None:
    older, newer = [(await create_published_post(authenticated_client))["id"] for _ in range(2)]
    first = (await authenticated_client.get(POSTS, params={"limit": 1})).json()
    await authenticated_client.delete(f"{POSTS}/{newer}")
    params = {"cursor": first["next_cursor"]}
    second = (await authenticated_client.get(POSTS, params=params)).json()
    assert [post["id"] for post in second["items"]] == [older]


async def test_a_cursor_past_the_last_post_returns_an_empty_page(
    client: httpx.AsyncClient, twenty_posts: list[str]
) -> None:
    cursor = Cursor(datetime(1, 1, 1, tzinfo=UTC), new_id()).encode()
    response = await client.get(POSTS, params={"cursor": cursor})
    assert response.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("cursor", BAD_CURSORS.values(), ids=BAD_CURSORS.keys())
async def test_an_invalid_cursor_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    response = await client.get(POSTS, params={"cursor": cursor})
    assert_problem(response, 400, "invalid_cursor")


async def test_an_invalid_cursor_is_refused_for_drafts(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await create_draft(authenticated_client)
    params = {"author": "me", "status": "draft", "cursor": "next please"}
    response = await authenticated_client.get(POSTS, params=params)
    assert_problem(response, 400, "invalid_cursor")


async def test_a_cursor_over_the_maximum_length_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get(POSTS, params={"cursor": "A" * 65})
    assert_problem(response, 422, "validation_failed")
