"""A post's ETag covers the whole body: the post, and the name and avatar of its author."""

import httpx
import pytest

from tests.support.posts import POSTS, create_draft, create_published_post, etag_of
from tests.support.problems import assert_problem

ME = "/api/v1/profiles/me"
NAME = {"display_name": "Ada"}
AVATAR = {"avatar_url": "https://example.com/ada.png"}
# Values of the profile before and after a change that is visible in the post.
VISIBLE = {
    "a first name": ({}, NAME),
    "another name": (NAME, {"display_name": "Countess"}),
    "no name": (NAME, {"display_name": None}),
    "a first avatar": ({}, AVATAR),
    "another avatar": (AVATAR, {"avatar_url": "https://example.com/countess.png"}),
    "no avatar": (AVATAR, {"avatar_url": None}),
}


@pytest.mark.parametrize(("before", "change"), VISIBLE.values(), ids=VISIBLE.keys())
async def test_a_change_of_the_authors_name_or_avatar_changes_the_etag(
    authenticated_client: httpx.AsyncClient,
    client: httpx.AsyncClient,
    before: dict[str, str | None],
    change: dict[str, str | None],
) -> None:
    await authenticated_client.patch(ME, json=before)
    url = f"{POSTS}/{(await create_published_post(authenticated_client))['id']}"
    first = await etag_of(client, url)
    await authenticated_client.patch(ME, json=change)
    assert await etag_of(client, url) != first


async def test_the_former_name_restores_the_former_etag(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.put(ME, json=NAME)
    url = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    first = await etag_of(authenticated_client, url)
    await authenticated_client.put(ME, json={"display_name": "Countess"})
    await authenticated_client.put(ME, json=NAME)
    assert await etag_of(authenticated_client, url) == first


async def test_a_change_of_the_authors_bio_keeps_the_etag(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.put(ME, json=NAME)
    url = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    first = await etag_of(authenticated_client, url)
    await authenticated_client.patch(ME, json={"bio": "Analyst"})
    assert await etag_of(authenticated_client, url) == first


async def test_every_reader_receives_the_same_etag(
    authenticated_client: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    url = f"{POSTS}/{(await create_published_post(authenticated_client))['id']}"
    assert await etag_of(client, url) == await etag_of(authenticated_client, url)


async def test_a_change_with_the_etag_from_before_a_rename_is_refused(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.put(ME, json=NAME)
    draft = await create_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    stale = await etag_of(authenticated_client, url)
    await authenticated_client.put(ME, json={"display_name": "Countess"})
    response = await authenticated_client.patch(
        url, json={"title": "Looms"}, headers={"If-Match": stale}
    )
    assert_problem(response, 412, "precondition_failed")
    current = await authenticated_client.get(url)
    assert response.headers["etag"] == current.headers["etag"]
    assert current.json()["title"] == draft["title"]


async def test_the_etag_of_each_write_is_that_of_the_next_read(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.put(ME, json={**NAME, **AVATAR})
    created = await authenticated_client.post(POSTS, json={"title": "Engines"})
    url = created.headers["location"]
    assert created.headers["etag"] == await etag_of(authenticated_client, url)
    for write in (
        authenticated_client.patch(url, json={"title": "Looms"}),
        authenticated_client.post(f"{url}/publish"),
        authenticated_client.post(f"{url}/unpublish"),
    ):
        assert (await write).headers["etag"] == await etag_of(authenticated_client, url)
