"""Whose post it is: drafts exist for their author alone; the rest is the author's to change."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.posts import POSTS, write_draft, write_post
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser

ACTIONS = {
    "changing": ("PATCH", ""),
    "deleting": ("DELETE", ""),
    "publishing": ("POST", "/publish"),
    "unpublishing": ("POST", "/unpublish"),
}
every_action = pytest.mark.parametrize(("method", "suffix"), ACTIONS.values(), ids=ACTIONS.keys())


@pytest.fixture
async def other(duet: Duet, stranger: RegisteredUser) -> AsyncIterator[httpx.AsyncClient]:
    """A client of somebody who wrote none of the posts."""
    async with httpx.AsyncClient(base_url=duet.url, headers=stranger.headers) as client:
        yield client


@pytest.fixture
async def moderating(duet: Duet, moderator: RegisteredUser) -> AsyncIterator[httpx.AsyncClient]:
    """A client of somebody with `posts:moderate`."""
    async with httpx.AsyncClient(base_url=duet.url, headers=moderator.headers) as client:
        yield client


async def act(client: httpx.AsyncClient, method: str, url: str) -> httpx.Response:
    body = {"title": "Mine now"} if method == "PATCH" else None
    return await client.request(method, url, json=body)


async def test_anothers_draft_cannot_be_read(
    authenticated_client: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    draft = await write_draft(authenticated_client)
    assert_problem(await other.get(f"{POSTS}/{draft['id']}"), 404, "post_not_found")


async def test_a_draft_cannot_be_read_without_a_token(
    authenticated_client: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    draft = await write_draft(authenticated_client)
    assert_problem(await client.get(f"{POSTS}/{draft['id']}"), 404, "post_not_found")


@every_action
async def test_of_anothers_draft_nobody_learns_by(
    authenticated_client: httpx.AsyncClient, other: httpx.AsyncClient, method: str, suffix: str
) -> None:
    draft = await write_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    assert_problem(await act(other, method, url + suffix), 404, "post_not_found")
    assert (await authenticated_client.get(url)).json() == draft


@every_action
async def test_anothers_post_is_kept_from(
    authenticated_client: httpx.AsyncClient, other: httpx.AsyncClient, method: str, suffix: str
) -> None:
    post = await write_post(authenticated_client)
    url = f"{POSTS}/{post['id']}"
    assert_problem(await act(other, method, url + suffix), 403, "not_the_author")
    assert (await other.get(url)).json() == post


async def test_a_tag_does_not_open_anothers_post(
    authenticated_client: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    post = await write_post(authenticated_client)
    answer = await other.delete(f"{POSTS}/{post['id']}", headers={"If-Match": '"7"'})
    assert_problem(answer, 403, "not_the_author")


async def test_a_moderator_may_delete_a_post(
    authenticated_client: httpx.AsyncClient, moderating: httpx.AsyncClient
) -> None:
    url = f"{POSTS}/{(await write_post(authenticated_client))['id']}"
    assert (await moderating.delete(url)).status_code == 204
    assert_problem(await authenticated_client.get(url), 404, "post_not_found")


async def test_a_moderator_may_unpublish_a_post(
    authenticated_client: httpx.AsyncClient, moderating: httpx.AsyncClient
) -> None:
    url = f"{POSTS}/{(await write_post(authenticated_client))['id']}"
    assert (await moderating.post(f"{url}/unpublish")).json()["is_published"] is False
    assert (await authenticated_client.get(url)).json()["is_published"] is False


async def test_a_moderator_may_not_rewrite_a_post(
    authenticated_client: httpx.AsyncClient, moderating: httpx.AsyncClient
) -> None:
    url = f"{POSTS}/{(await write_post(authenticated_client))['id']}"
    answer = await moderating.patch(url, json={"title": "Better"})
    assert_problem(answer, 403, "not_the_author")


@every_action
async def test_a_moderator_does_not_learn_of_drafts_by(
    authenticated_client: httpx.AsyncClient,
    moderating: httpx.AsyncClient,
    method: str,
    suffix: str,
) -> None:
    draft = await write_draft(authenticated_client)
    answer = await act(moderating, method, f"{POSTS}/{draft['id']}{suffix}")
    assert_problem(answer, 404, "post_not_found")
