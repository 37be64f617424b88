"""Drafts are visible only to their author, and only the author or a moderator changes a post."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.posts import POSTS, create_draft, create_published_post
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import RegisteredUser

WRITES = {
    "changing": ("PATCH", ""),
    "deleting": ("DELETE", ""),
    "publishing": ("POST", "/publish"),
    "unpublishing": ("POST", "/unpublish"),
}
every_write = pytest.mark.parametrize(("method", "suffix"), WRITES.values(), ids=WRITES.keys())


@pytest.fixture
async def other_client(duet: Duet, other_user: RegisteredUser) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a user who is not the author."""
    async with httpx.AsyncClient(base_url=duet.url, headers=other_user.headers) as client:
        yield client


@pytest.fixture
async def moderator_client(
    duet: Duet, moderator: RegisteredUser
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a user with the permission `posts:moderate`."""
    async with httpx.AsyncClient(base_url=duet.url, headers=moderator.headers) as client:
        yield client


async def write(client: httpx.AsyncClient, method: str, url: str) -> httpx.Response:
    body = {"title": "Mine now"} if method == "PATCH" else None
    return await client.request(method, url, json=body)


async def test_a_draft_is_hidden_from_other_users(
    authenticated_client: httpx.AsyncClient, other_client: httpx.AsyncClient
) -> None:
    draft = await create_draft(authenticated_client)
    assert_problem(await other_client.get(f"{POSTS}/{draft['id']}"), 404, "post_not_found")


async def test_a_draft_is_hidden_from_anonymous_callers(
    authenticated_client: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    draft = await create_draft(authenticated_client)
    assert_problem(await client.get(f"{POSTS}/{draft['id']}"), 404, "post_not_found")


@every_write
async def test_a_write_to_another_users_draft_is_not_found(
    authenticated_client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    method: str,
    suffix: str,
) -> None:
    draft = await create_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    assert_problem(await write(other_client, method, url + suffix), 404, "post_not_found")
    assert (await authenticated_client.get(url)).json() == draft


@every_write
async def test_a_write_to_another_users_post_is_forbidden(
    authenticated_client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    method: str,
    suffix: str,
) -> None:
    post = await create_published_post(authenticated_client)
    url = f"{POSTS}/{post['id']}"
    assert_problem(await write(other_client, method, url + suffix), 403, "not_the_author")
    assert (await other_client.get(url)).json() == post


async def test_permissions_are_checked_before_if_match(
    authenticated_client: httpx.AsyncClient, other_client: httpx.AsyncClient
) -> None:
    post = await create_published_post(authenticated_client)
    response = await other_client.delete(f"{POSTS}/{post['id']}", headers={"If-Match": '"7"'})
    assert_problem(response, 403, "not_the_author")


async def test_a_moderator_may_delete_a_post(
    authenticated_client: httpx.AsyncClient, moderator_client: httpx.AsyncClient
) -> None:
    url = f"{POSTS}/{(await create_published_post(authenticated_client))['id']}"
    assert (await moderator_client.delete(url)).status_code == 204
    assert_problem(await authenticated_client.get(url), 404, "post_not_found")


async def test_a_moderator_may_unpublish_a_post(
    authenticated_client: httpx.AsyncClient, moderator_client: httpx.AsyncClient
) -> None:
    url = f"{POSTS}/{(await create_published_post(authenticated_client))['id']}"
    assert (await moderator_client.post(f"{url}/unpublish")).json()["is_published"] is False
    assert (await authenticated_client.get(url)).json()["is_published"] is False


async def test_a_moderator_may_not_edit_a_post(
    authenticated_client: httpx.AsyncClient, moderator_client: httpx.AsyncClient
) -> None:
    url = f"{POSTS}/{(await create_published_post(authenticated_client))['id']}"
    response = await moderator_client.patch(url, json={"title": "Better"})
    assert_problem(response, 403, "not_the_author")


@every_write
async def test_a_write_to_a_draft_by_a_moderator_is_not_found(
    authenticated_client: httpx.AsyncClient,
    moderator_client: httpx.AsyncClient,
    method: str,
    suffix: str,
) -> None:
    draft = await create_draft(authenticated_client)
    response = await write(moderator_client, method, f"{POSTS}/{draft['id']}{suffix}")
    assert_problem(response, 404, "post_not_found")
