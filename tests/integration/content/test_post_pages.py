"""Walking a list by its cursors: every post once, whatever happens in between."""

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
from tests.support.posts import POSTS, write_draft, write_post
from tests.support.problems import assert_problem
from tests.support.users import RegisteredUser

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
GOOD = Cursor(NOON, new_id()).encode()
BAD_CURSORS = {
    "empty": "",
    "words": "next please",
    "too short": GOOD[:-4],
    "too long": GOOD + "AAAA",
    "in the standard alphabet": "+/" + GOOD[2:],
    "padded": GOOD[:-1] + "=",
    "before year 1": base64.urlsafe_b64encode(b"\x80" + bytes(23)).decode(),
    "after year 9999": base64.urlsafe_b64encode(b"\x7f" + bytes(23)).decode(),
    "with NUL": GOOD[:-1] + "\0",
    "with a space": GOOD[:-1] + " ",
    "not ASCII": GOOD[:-1] + "é",
    "full-width letters": "\uff21" * 32,
    "a number": "2",
}


@pytest.fixture
async def twenty(db_session: AsyncSession) -> list[str]:
    """Ids of 20 published posts of 2 authors, newest first; they share 4 instants."""
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
    """The ids of each page, following `next_cursor`."""
    cursor: str | None = None
    while True:
        following = {} if cursor is None else {"cursor": cursor}
        answer = await client.get(POSTS, params={**params, **following})
        assert answer.status_code == 200, answer.text
        yield [post["id"] for post in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return


async def test_a_walk_finds_every_post_once_in_order(
    client: httpx.AsyncClient, twenty: list[str]
) -> None:
    found = [page async for page in pages(client, limit=3)]
    assert [len(page) for page in found] == [3, 3, 3, 3, 3, 3, 2]
    assert [id_ for page in found for id_ in page] == twenty


@pytest.mark.parametrize("limit", [1, 5, 19, 20, 21])
async def test_a_walk_finds_the_same_in_pages_of(
    client: httpx.AsyncClient, twenty: list[str], limit: int
) -> None:
    found = [page async for page in pages(client, limit=limit)]
    assert [id_ for page in found for id_ in page] == twenty
    assert len(found) == -(-20 // limit)


async def test_a_page_has_twenty_posts_unless_asked_otherwise(
    client: httpx.AsyncClient, twenty: list[str], authenticated_client: httpx.AsyncClient
) -> None:
    await write_post(authenticated_client)
    first = (await client.get(POSTS)).json()
    assert len(first["items"]) == len(twenty)
    assert first["next_cursor"] is not None


async def test_a_post_published_during_a_walk_moves_nothing(
    client: httpx.AsyncClient, twenty: list[str], authenticated_client: httpx.AsyncClient
) -> None:
    found: list[str] = []
    async for page in pages(client, limit=3):
        found += page
        await write_post(authenticated_client)
    assert found == twenty


async def test_a_post_withdrawn_during_a_walk_hides_no_other(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    written = [(await write_post(authenticated_client))["id"] for _ in range(7)]
    newest_first = written[::-1]
    found: list[str] = []
    async for page in pages(client, limit=3):
        found += page
        # The very post that the cursor names.
        await authenticated_client.post(f"{POSTS}/{page[-1]}/unpublish")
    assert found == newest_first


async def test_a_walk_of_one_author_finds_only_theirs(
    client: httpx.AsyncClient, twenty: list[str]
) -> None:
    everything = (await client.get(POSTS, params={"limit": 100})).json()["items"]
    authors = Counter(post["author"]["id"] for post in everything)
    assert len(authors) == 2
    for author in authors:
        theirs = [post["id"] for post in everything if post["author"]["id"] == author]
        found = [page async for page in pages(client, limit=3, author=author)]
        assert [id_ for page in found for id_ in page] == theirs


async def test_a_walk_of_drafts_finds_every_draft_once(
    authenticated_client: httpx.AsyncClient,
    db_session: AsyncSession,
    registered_user: RegisteredUser,
) -> None:
    drafts = [
        # One transaction, so that they share the instant.
        str((await make_post(db_session, registered_user.id, published=False)).id)
        for _ in range(7)
    ]
    await db_session.commit()
    found = [
        page async for page in pages(authenticated_client, limit=3, author="me", status="draft")
    ]
    assert [id_ for page in found for id_ in page] == sorted(drafts, reverse=True)


async def test_the_link_leads_to_the_next_page_of_the_same_list(
    client: httpx.AsyncClient, twenty: list[str]
) -> None:
    author = (await client.get(f"{POSTS}/{twenty[0]}")).json()["author"]["id"]
    first = await client.get(POSTS, params={"limit": 3, "author": author})
    assert first.links["next"]["url"].startswith(f"{POSTS}?")
    second = await client.get(first.links["next"]["url"])
    params = {"limit": 3, "author": author, "cursor": first.json()["next_cursor"]}
    assert second.json() == (await client.get(POSTS, params=params)).json()
    assert second.json()["items"]


async def test_the_last_page_has_no_link(client: httpx.AsyncClient, twenty: list[str]) -> None:
    answer = await client.get(POSTS, params={"limit": len(twenty)})
    assert answer.json()["next_cursor"] is None
    assert "link" not in answer.headers


async def test_the_link_says_nothing_of_the_host_that_was_asked_for(
    client: httpx.AsyncClient, twenty: list[str]
) -> None:
    answer = await client.get(POSTS, params={"limit": 1}, headers={"Host": "evil.test"})
    assert answer.links["next"]["url"].startswith(f"{POSTS}?")


async def test_a_cursor_survives_the_deletion_of_its_post(
    authenticated_client: httpx.AsyncClient,
) -> None:
    older, newer = [(await write_post(authenticated_client))["id"] for _ in range(2)]
    first = (await authenticated_client.get(POSTS, params={"limit": 1})).json()
    await authenticated_client.delete(f"{POSTS}/{newer}")
    params = {"cursor": first["next_cursor"]}
    second = (await authenticated_client.get(POSTS, params=params)).json()
    assert [post["id"] for post in second["items"]] == [older]


async def test_a_cursor_before_everything_ends_the_walk(
    client: httpx.AsyncClient, twenty: list[str]
) -> None:
    cursor = Cursor(datetime(1, 1, 1, tzinfo=UTC), new_id()).encode()
    answer = await client.get(POSTS, params={"cursor": cursor})
    assert answer.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("cursor", BAD_CURSORS.values(), ids=BAD_CURSORS.keys())
async def test_it_is_no_cursor(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get(POSTS, params={"cursor": cursor})
    assert_problem(answer, 400, "invalid_cursor")


async def test_no_cursor_of_drafts_either(authenticated_client: httpx.AsyncClient) -> None:
    await write_draft(authenticated_client)
    params = {"author": "me", "status": "draft", "cursor": "next please"}
    answer = await authenticated_client.get(POSTS, params=params)
    assert_problem(answer, 400, "invalid_cursor")


async def test_a_cursor_longer_than_any_is_invalid(client: httpx.AsyncClient) -> None:
    answer = await client.get(POSTS, params={"cursor": "A" * 65})
    assert_problem(answer, 422, "validation_failed")
