"""With `If-None-Match`, a read returns 304 if the client has the current body (RFC 9110)."""

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_content.profiles.models import Profile
from tests.support.posts import POSTS, create_draft, create_published_post, etag_of
from tests.support.problems import assert_problem, rejected_fields
from tests.support.users import RegisteredUser

ME = "/api/v1/profiles/me"
# `{}` is the current tag with its quotes.
MATCHING = {
    "the current tag": "{}",
    "the current tag, weak": "W/{}",
    "a list with the current tag": '"7", {}',
    "a list without spaces": '"7",{}',
    "a list with the current tag, weak": 'W/"7", W/{}',
    "an asterisk": "*",
}
NOT_MATCHING = {
    "another tag": '"2"',
    "the version alone": '"1"',
    "another weak tag": 'W/"2"',
    "a list of other tags": '"2", W/"3"',
    "the current tag within text": "if {} then",
    "an unclosed tag": '"',
    "an empty tag": '""',
    "an empty header": "",
    "text": "anything you like",
    "an asterisk and a tag": '*, "2"',
}
NAMES = ["a post", "a draft", "the own profile", "a profile"]


@pytest.fixture
async def urls(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> dict[str, str]:
    """The URLs of resources that have an ETag, by name."""
    await authenticated_client.put(ME, json={"display_name": "Ada"})
    published = await create_published_post(authenticated_client)
    draft = await create_draft(authenticated_client)
    return {
        "a post": f"{POSTS}/{published['id']}",
        "a draft": f"{POSTS}/{draft['id']}",
        "the own profile": ME,
        "a profile": f"/api/v1/profiles/{registered_user.id}",
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("header", MATCHING.values(), ids=MATCHING.keys())
async def test_a_read_with_a_matching_header_returns_304_without_a_body(
    authenticated_client: httpx.AsyncClient, urls: dict[str, str], name: str, header: str
) -> None:
    full = await authenticated_client.get(urls[name])
    response = await authenticated_client.get(
        urls[name], headers={"If-None-Match": header.format(full.headers["etag"])}
    )
    assert (response.status_code, response.content) == (304, b"")
    assert "content-type" not in response.headers
    for kept in ("etag", "cache-control"):
        assert response.headers[kept] == full.headers[kept]
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("name", NAMES)
async def test_head_returns_the_etag_and_304_as_get_does(
    authenticated_client: httpx.AsyncClient, urls: dict[str, str], name: str
) -> None:
    full = await authenticated_client.head(urls[name])
    assert full.status_code == 200
    response = await authenticated_client.head(
        urls[name], headers={"If-None-Match": full.headers["etag"]}
    )
    assert response.status_code == 304


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("header", NOT_MATCHING.values(), ids=NOT_MATCHING.keys())
async def test_a_read_with_another_header_returns_the_body(
    authenticated_client: httpx.AsyncClient, urls: dict[str, str], name: str, header: str
) -> None:
    full = await authenticated_client.get(urls[name])
    response = await authenticated_client.get(
        urls[name], headers={"If-None-Match": header.format(full.headers["etag"])}
    )
    assert response.status_code == 200
    assert response.json() == full.json()


@pytest.mark.parametrize("name", NAMES)
async def test_a_stored_response_is_private_and_is_revalidated_before_each_use(
    authenticated_client: httpx.AsyncClient, urls: dict[str, str], name: str
) -> None:
    response = await authenticated_client.get(urls[name])
    assert response.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("name", NAMES)
async def test_a_renamed_author_is_returned_despite_the_old_etag(
    authenticated_client: httpx.AsyncClient, urls: dict[str, str], name: str
) -> None:
    old = await etag_of(authenticated_client, urls[name])
    await authenticated_client.patch(ME, json={"display_name": "Countess"})
    response = await authenticated_client.get(urls[name], headers={"If-None-Match": old})
    assert response.status_code == 200
    assert "Countess" in response.text


@pytest.mark.parametrize("header", ["{}", "*"])
async def test_a_draft_is_hidden_from_other_users_who_know_its_etag(
    authenticated_client: httpx.AsyncClient,
    client: httpx.AsyncClient,
    other_user: RegisteredUser,
    urls: dict[str, str],
    header: str,
) -> None:
    tag = await etag_of(authenticated_client, urls["a draft"])
    sent = {"If-None-Match": header.format(tag)}
    for headers in (sent, {**sent, **other_user.headers}):
        response = await client.get(urls["a draft"], headers=headers)
        assert_problem(response, 404, "post_not_found")
        assert "etag" not in response.headers


async def test_a_post_is_hidden_as_soon_as_it_is_unpublished(
    authenticated_client: httpx.AsyncClient, client: httpx.AsyncClient, urls: dict[str, str]
) -> None:
    tag = await etag_of(client, urls["a post"])
    await authenticated_client.post(f"{urls['a post']}/unpublish")
    response = await client.get(urls["a post"], headers={"If-None-Match": tag})
    assert_problem(response, 404, "post_not_found")


async def test_an_invalid_token_is_refused_despite_a_matching_header(
    client: httpx.AsyncClient, urls: dict[str, str]
) -> None:
    tag = await etag_of(client, urls["a post"])
    headers = {"If-None-Match": tag, "Authorization": "Bearer garbage"}
    assert_problem(await client.get(urls["a post"], headers=headers), 401, "invalid_token")


async def test_a_first_read_that_returns_304_creates_the_profile(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    response = await authenticated_client.get(ME, headers={"If-None-Match": "*"})
    assert response.status_code == 304
    assert await db_session.scalar(select(func.count()).select_from(Profile)) == 1
    assert await etag_of(authenticated_client, ME) == response.headers["etag"]


async def test_a_header_over_one_kilobyte_is_refused(
    client: httpx.AsyncClient, urls: dict[str, str]
) -> None:
    headers = {"If-None-Match": ", ".join(['"1"'] * 300)}
    response = await client.get(urls["a post"], headers=headers)
    assert rejected_fields(response) == [("header", "If-None-Match", "too_long")]
