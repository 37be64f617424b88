"""The filters and the order of post lists, and who may list drafts."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.ids import new_id
from tests.support.factories import make_post
from tests.support.posts import POSTS, create_draft, create_published_post
from tests.support.problems import assert_problem, rejected_fields
from tests.support.users import RegisteredUser

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def titles(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [post["title"] for post in response.json()["items"]]


async def test_posts_are_listed_by_time_of_publication_newest_first(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    for title, minutes in (("second", 2), ("first", 1), ("third", 3)):
        published_at = NOON + timedelta(minutes=minutes)
        await make_post(db_session, new_id(), title=title, published_at=published_at)
    await db_session.commit()
    assert titles(await client.get(POSTS)) == ["third", "second", "first"]


async def test_drafts_are_not_listed(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    await create_draft(authenticated_client)
    assert titles(await client.get(POSTS)) == []
    assert titles(await authenticated_client.get(POSTS)) == []


async def test_a_list_can_be_filtered_by_author(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    ada, charles = new_id(), new_id()
    for author, title in ((ada, "Hers"), (charles, "His"), (ada, "Hers too")):
        await make_post(db_session, author, title=title)
    await make_post(db_session, ada, title="Her draft", published=False)
    await db_session.commit()
    assert titles(await client.get(POSTS, params={"author": str(ada)})) == ["Hers too", "Hers"]


async def test_the_list_of_an_unknown_author_is_empty(client: httpx.AsyncClient) -> None:
    assert titles(await client.get(POSTS, params={"author": str(new_id())})) == []


async def test_the_author_me_is_the_caller(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    await create_published_post(authenticated_client, title="Mine")
    await make_post(db_session, new_id(), title="Another user's")
    await db_session.commit()
    assert titles(await authenticated_client.get(POSTS, params={"author": "me"})) == ["Mine"]


async def test_the_author_me_needs_a_token(client: httpx.AsyncClient) -> None:
    response = await client.get(POSTS, params={"author": "me"})
    assert_problem(response, 401, "authentication_required")


async def test_a_user_lists_their_drafts_newest_first(
    authenticated_client: httpx.AsyncClient,
) -> None:
    for title in ("first", "second"):
        await create_draft(authenticated_client, title=title)
    await create_published_post(authenticated_client, title="published")
    response = await authenticated_client.get(POSTS, params={"author": "me", "status": "draft"})
    assert titles(response) == ["second", "first"]


async def test_a_user_can_list_their_drafts_by_their_id(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    await create_draft(authenticated_client, title="Mine")
    params = {"author": str(registered_user.id), "status": "draft"}
    assert titles(await authenticated_client.get(POSTS, params=params)) == ["Mine"]


async def test_another_users_drafts_are_not_in_the_list_of_own_drafts(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    await make_post(db_session, new_id(), published=False)
    await db_session.commit()
    response = await authenticated_client.get(POSTS, params={"author": "me", "status": "draft"})
    assert titles(response) == []


@pytest.mark.parametrize("author", [{}, {"author": "me"}, {"author": str(new_id())}])
async def test_listing_drafts_needs_a_token(
    client: httpx.AsyncClient, author: dict[str, str]
) -> None:
    response = await client.get(POSTS, params={"status": "draft", **author})
    assert_problem(response, 401, "authentication_required")


async def test_another_users_drafts_cannot_be_listed(
    authenticated_client: httpx.AsyncClient, other_user: RegisteredUser
) -> None:
    params = {"status": "draft", "author": str(other_user.id)}
    response = await authenticated_client.get(POSTS, params=params)
    assert_problem(response, 403, "drafts_are_private")


async def test_drafts_of_all_authors_cannot_be_listed(
    authenticated_client: httpx.AsyncClient,
) -> None:
    response = await authenticated_client.get(POSTS, params={"status": "draft"})
    assert_problem(response, 403, "drafts_are_private")


async def test_a_moderator_cannot_list_another_users_drafts(
    client: httpx.AsyncClient, moderator: RegisteredUser, other_user: RegisteredUser
) -> None:
    params = {"status": "draft", "author": str(other_user.id)}
    response = await client.get(POSTS, params=params, headers=moderator.headers)
    assert_problem(response, 403, "drafts_are_private")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", value) for value in ("0", "101", "-1", "abc", "1.5", "", "\0", "9" * 5000)),
        *(("author", value) for value in ("ada", "", "ME", "\0")),
        *(("status", value) for value in ("drafts", "", "PUBLISHED")),
    ],
)
async def test_an_invalid_parameter_is_refused(
    client: httpx.AsyncClient, name: str, value: str
) -> None:
    response = await client.get(POSTS, params={name: value})
    [(location, field, _)] = rejected_fields(response)
    assert (location, field) == ("query", name)


@pytest.mark.parametrize("limit", [1, 100])
async def test_the_minimum_and_the_maximum_limit_are_accepted(
    client: httpx.AsyncClient, limit: int
) -> None:
    assert (await client.get(POSTS, params={"limit": limit})).status_code == 200
