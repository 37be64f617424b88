"""Which posts a list holds, and who may ask for it."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.ids import new_id
from tests.support.factories import make_post
from tests.support.posts import POSTS, write_draft, write_post
from tests.support.problems import assert_problem
from tests.support.users import RegisteredUser

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [post["title"] for post in answer.json()["items"]]


async def test_posts_come_in_the_order_of_publishing_the_latest_first(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    for title, minutes in (("second", 2), ("first", 1), ("third", 3)):
        published_at = NOON + timedelta(minutes=minutes)
        await make_post(db_session, new_id(), title=title, published_at=published_at)
    await db_session.commit()
    assert titles(await client.get(POSTS)) == ["third", "second", "first"]


async def test_a_list_shows_posts_as_reading_them_does(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    await authenticated_client.put("/api/v1/profiles/me", json={"display_name": "Ada"})
    post = await write_post(authenticated_client)
    assert (await client.get(POSTS)).json()["items"] == [post]


async def test_drafts_are_not_listed(
    client: httpx.AsyncClient, authenticated_client: httpx.AsyncClient
) -> None:
    await write_draft(authenticated_client)
    assert titles(await client.get(POSTS)) == []
    assert titles(await authenticated_client.get(POSTS)) == []


async def test_a_list_may_be_of_one_author(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    ada, charles = new_id(), new_id()
    for author, title in ((ada, "Hers"), (charles, "His"), (ada, "Hers too")):
        await make_post(db_session, author, title=title)
    await make_post(db_session, ada, title="Her draft", published=False)
    await db_session.commit()
    assert titles(await client.get(POSTS, params={"author": str(ada)})) == ["Hers too", "Hers"]


async def test_of_an_unknown_author_there_is_nothing(client: httpx.AsyncClient) -> None:
    assert titles(await client.get(POSTS, params={"author": str(new_id())})) == []


async def test_me_is_the_caller(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    await write_post(authenticated_client, title="Mine")
    await make_post(db_session, new_id(), title="Another's")
    await db_session.commit()
    assert titles(await authenticated_client.get(POSTS, params={"author": "me"})) == ["Mine"]


async def test_without_a_token_nobody_is_me(client: httpx.AsyncClient) -> None:
    answer = await client.get(POSTS, params={"author": "me"})
    assert_problem(answer, 401, "authentication_required")


async def test_ones_own_drafts_are_listed_the_latest_begun_first(
    authenticated_client: httpx.AsyncClient,
) -> None:
    for title in ("first", "second"):
        await write_draft(authenticated_client, title=title)
    await write_post(authenticated_client, title="published")
    answer = await authenticated_client.get(POSTS, params={"author": "me", "status": "draft"})
    assert titles(answer) == ["second", "first"]


async def test_ones_own_id_is_as_good_as_me_for_drafts(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    await write_draft(authenticated_client, title="Mine")
    params = {"author": str(registered_user.id), "status": "draft"}
    assert titles(await authenticated_client.get(POSTS, params=params)) == ["Mine"]


async def test_anothers_drafts_are_not_in_ones_own(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    await make_post(db_session, new_id(), published=False)
    await db_session.commit()
    answer = await authenticated_client.get(POSTS, params={"author": "me", "status": "draft"})
    assert titles(answer) == []


@pytest.mark.parametrize("author", [{}, {"author": "me"}, {"author": str(new_id())}])
async def test_drafts_need_a_token(client: httpx.AsyncClient, author: dict[str, str]) -> None:
    answer = await client.get(POSTS, params={"status": "draft", **author})
    assert_problem(answer, 401, "authentication_required")


async def test_anothers_drafts_are_private(
    authenticated_client: httpx.AsyncClient, stranger: RegisteredUser
) -> None:
    params = {"status": "draft", "author": str(stranger.id)}
    answer = await authenticated_client.get(POSTS, params=params)
    assert_problem(answer, 403, "drafts_are_private")


async def test_everyones_drafts_are_private(authenticated_client: httpx.AsyncClient) -> None:
    answer = await authenticated_client.get(POSTS, params={"status": "draft"})
    assert_problem(answer, 403, "drafts_are_private")


async def test_a_moderator_lists_no_drafts_but_their_own(
    client: httpx.AsyncClient, moderator: RegisteredUser, stranger: RegisteredUser
) -> None:
    params = {"status": "draft", "author": str(stranger.id)}
    answer = await client.get(POSTS, params=params, headers=moderator.headers)
    assert_problem(answer, 403, "drafts_are_private")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", value) for value in ("0", "101", "-1", "abc", "1.5", "", "\0", "9" * 5000)),
        *(("author", value) for value in ("ada", "", "ME", "\0")),
        *(("status", value) for value in ("drafts", "", "PUBLISHED")),
    ],
)
async def test_a_list_refuses(client: httpx.AsyncClient, name: str, value: str) -> None:
    answer = await client.get(POSTS, params={name: value})
    problem = assert_problem(answer, 422, "validation_failed")
    errors = problem["errors"]
    assert isinstance(errors, list)
    assert {error["field"].split(".")[1] for error in errors} == {name}


@pytest.mark.parametrize("limit", [1, 100])
async def test_a_list_takes_a_limit_of(client: httpx.AsyncClient, limit: int) -> None:
    assert (await client.get(POSTS, params={"limit": limit})).status_code == 200
