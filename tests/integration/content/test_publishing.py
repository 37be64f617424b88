"""Publishing makes a draft public and records the time; unpublishing makes it a draft again."""

from datetime import datetime, timedelta

import httpx

from duet_common.testing.clock import AdjustableClock
from tests.support.posts import POSTS, create_draft, create_published_post, etag_of
from tests.support.problems import assert_problem


async def test_a_published_post_can_be_read_without_a_token(
    authenticated_client: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    post = await create_published_post(authenticated_client)
    response = await client.get(f"{POSTS}/{post['id']}")
    assert response.status_code == 200
    assert response.json() == post


async def test_publishing_records_the_time(
    authenticated_client: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    before = clock()
    post = await create_published_post(authenticated_client)
    assert post["is_published"] is True
    assert before <= datetime.fromisoformat(post["published_at"]) <= clock()


async def test_publishing_twice_keeps_the_first_time(
    authenticated_client: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    post = await create_published_post(authenticated_client)
    clock.advance(timedelta(minutes=5))
    again = await authenticated_client.post(f"{POSTS}/{post['id']}/publish")
    assert again.status_code == 200
    assert again.json() == post


async def test_publishing_twice_keeps_the_etag(authenticated_client: httpx.AsyncClient) -> None:
    url = f"{POSTS}/{(await create_published_post(authenticated_client))['id']}"
    before = await etag_of(authenticated_client, url)
    again = await authenticated_client.post(f"{url}/publish")
    assert again.headers["etag"] == before


async def test_an_unpublished_post_is_a_draft_again(
    authenticated_client: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    post = await create_published_post(authenticated_client)
    response = await authenticated_client.post(f"{POSTS}/{post['id']}/unpublish")
    assert response.status_code == 200
    assert (response.json()["is_published"], response.json()["published_at"]) == (False, None)
    assert_problem(await client.get(f"{POSTS}/{post['id']}"), 404, "post_not_found")


async def test_unpublishing_a_draft_changes_nothing(
    authenticated_client: httpx.AsyncClient,
) -> None:
    draft = await create_draft(authenticated_client)
    response = await authenticated_client.post(f"{POSTS}/{draft['id']}/unpublish")
    assert response.status_code == 200
    assert response.json() == draft


async def test_publishing_again_after_unpublishing_records_a_new_time(
    authenticated_client: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    post = await create_published_post(authenticated_client)
    await authenticated_client.post(f"{POSTS}/{post['id']}/unpublish")
    clock.advance(timedelta(minutes=5))
    again = (await authenticated_client.post(f"{POSTS}/{post['id']}/publish")).json()
    waited = datetime.fromisoformat(again["published_at"]) - datetime.fromisoformat(
        post["published_at"]
    )
    assert waited >= timedelta(minutes=5)


async def test_a_change_to_a_published_post_keeps_it_published(
    authenticated_client: httpx.AsyncClient,
) -> None:
    post = await create_published_post(authenticated_client)
    changed = await authenticated_client.patch(f"{POSTS}/{post['id']}", json={"title": "Looms"})
    assert changed.json()["published_at"] == post["published_at"]
