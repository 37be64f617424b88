"""Publishing: a draft becomes public at an instant, and may become a draft again."""

from datetime import datetime, timedelta

import httpx

from duet_common.testing.clock import AdjustableClock
from tests.support.posts import POSTS, write_draft, write_post
from tests.support.problems import assert_problem


async def test_a_published_post_is_there_for_everyone(
    authenticated_client: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    post = await write_post(authenticated_client)
    answer = await client.get(f"{POSTS}/{post['id']}")
    assert answer.status_code == 200
    assert answer.json() == post


async def test_publishing_says_when(
    authenticated_client: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    before = clock()
    post = await write_post(authenticated_client)
    assert post["is_published"] is True
    assert before <= datetime.fromisoformat(post["published_at"]) <= clock()


async def test_publishing_twice_keeps_the_first_instant(
    authenticated_client: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    post = await write_post(authenticated_client)
    clock.advance(timedelta(minutes=5))
    again = await authenticated_client.post(f"{POSTS}/{post['id']}/publish")
    assert again.status_code == 200
    assert again.json() == post


async def test_publishing_twice_keeps_the_tag(authenticated_client: httpx.AsyncClient) -> None:
    post = await write_post(authenticated_client)
    again = await authenticated_client.post(f"{POSTS}/{post['id']}/publish")
    assert again.headers["etag"] == '"2"'


async def test_an_unpublished_post_is_a_draft_again(
    authenticated_client: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    post = await write_post(authenticated_client)
    answer = await authenticated_client.post(f"{POSTS}/{post['id']}/unpublish")
    assert answer.status_code == 200
    assert (answer.json()["is_published"], answer.json()["published_at"]) == (False, None)
    assert_problem(await client.get(f"{POSTS}/{post['id']}"), 404, "post_not_found")


async def test_unpublishing_a_draft_changes_nothing(
    authenticated_client: httpx.AsyncClient,
) -> None:
    draft = await write_draft(authenticated_client)
    answer = await authenticated_client.post(f"{POSTS}/{draft['id']}/unpublish")
    assert answer.status_code == 200
    assert answer.json() == draft


async def test_publishing_anew_is_a_new_instant(
    authenticated_client: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    post = await write_post(authenticated_client)
    await authenticated_client.post(f"{POSTS}/{post['id']}/unpublish")
    clock.advance(timedelta(minutes=5))
    again = (await authenticated_client.post(f"{POSTS}/{post['id']}/publish")).json()
    waited = datetime.fromisoformat(again["published_at"]) - datetime.fromisoformat(
        post["published_at"]
    )
    assert waited >= timedelta(minutes=5)


async def test_changing_a_public_post_keeps_it_public(
    authenticated_client: httpx.AsyncClient,
) -> None:
    post = await write_post(authenticated_client)
    changed = await authenticated_client.patch(f"{POSTS}/{post['id']}", json={"title": "Looms"})
    assert changed.json()["published_at"] == post["published_at"]
