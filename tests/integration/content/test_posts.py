"""An author creates, reads, changes and deletes their posts."""

from datetime import datetime

import httpx

from duet_common.ids import new_id
from tests.support.posts import POSTS, create_draft, etag_of
from tests.support.problems import assert_problem
from tests.support.users import RegisteredUser


async def test_a_new_post_is_a_draft(authenticated_client: httpx.AsyncClient) -> None:
    response = await authenticated_client.post(
        POSTS, json={"title": "Engines", "content": "Weave."}
    )
    assert response.status_code == 201
    post = response.json()
    assert post.keys() == {
        *("id", "title", "content", "is_published", "published_at"),
        *("author", "created_at", "updated_at"),
    }
    assert (post["title"], post["content"]) == ("Engines", "Weave.")
    assert (post["is_published"], post["published_at"]) == (False, None)


async def test_a_new_post_has_a_location_header(authenticated_client: httpx.AsyncClient) -> None:
    created = await authenticated_client.post(POSTS, json={"title": "Engines"})
    assert created.headers["location"] == f"{POSTS}/{created.json()['id']}"
    read = await authenticated_client.get(created.headers["location"])
    assert read.json() == created.json()


async def test_a_new_post_has_the_etag_of_a_read(
    authenticated_client: httpx.AsyncClient,
) -> None:
    created = await authenticated_client.post(POSTS, json={"title": "Engines"})
    read = await authenticated_client.get(created.headers["location"])
    assert created.headers["etag"] == read.headers["etag"]


async def test_content_is_empty_by_default(authenticated_client: httpx.AsyncClient) -> None:
    created = await authenticated_client.post(POSTS, json={"title": "Engines"})
    assert created.json()["content"] == ""


async def test_a_post_contains_the_profile_of_its_author(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    await authenticated_client.put(
        "/api/v1/profiles/me",
        json={"display_name": "Ada", "avatar_url": "https://example.com/ada.png"},
    )
    assert (await create_draft(authenticated_client))["author"] == {
        "id": str(registered_user.id),
        "name": "Ada",
        "avatar_url": "https://example.com/ada.png",
    }


async def test_an_author_without_a_profile_has_no_name(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    assert (await create_draft(authenticated_client))["author"] == {
        "id": str(registered_user.id),
        "name": None,
        "avatar_url": None,
    }


async def test_a_new_display_name_appears_on_old_posts(
    authenticated_client: httpx.AsyncClient,
) -> None:
    draft = await create_draft(authenticated_client)
    await authenticated_client.put("/api/v1/profiles/me", json={"display_name": "Countess"})
    read = await authenticated_client.get(f"{POSTS}/{draft['id']}")
    assert read.json()["author"]["name"] == "Countess"


async def test_writing_needs_a_token(client: httpx.AsyncClient) -> None:
    post = f"{POSTS}/{new_id()}"
    for response in (
        await client.post(POSTS, json={"title": "Engines"}),
        await client.patch(post, json={"title": "Engines"}),
        await client.delete(post),
        await client.post(f"{post}/publish"),
        await client.post(f"{post}/unpublish"),
    ):
        assert_problem(response, 401, "authentication_required")


async def test_patch_changes_only_the_given_fields(authenticated_client: httpx.AsyncClient) -> None:
    draft = await create_draft(authenticated_client, title="Engines", content="Weave.")
    response = await authenticated_client.patch(f"{POSTS}/{draft['id']}", json={"title": "Looms"})
    assert response.status_code == 200
    changed = response.json()
    assert (changed["title"], changed["content"]) == ("Looms", "Weave.")
    assert changed["created_at"] == draft["created_at"]
    assert datetime.fromisoformat(changed["updated_at"]) > datetime.fromisoformat(
        draft["updated_at"]
    )


async def test_patch_can_clear_the_content(authenticated_client: httpx.AsyncClient) -> None:
    draft = await create_draft(authenticated_client)
    response = await authenticated_client.patch(f"{POSTS}/{draft['id']}", json={"content": ""})
    assert response.json()["content"] == ""


async def test_a_change_returns_a_new_etag(authenticated_client: httpx.AsyncClient) -> None:
    url = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    before = await etag_of(authenticated_client, url)
    response = await authenticated_client.patch(url, json={"title": "Looms"})
    assert response.headers["etag"] != before
    assert response.headers["etag"] == await etag_of(authenticated_client, url)


async def test_an_empty_patch_changes_nothing(authenticated_client: httpx.AsyncClient) -> None:
    draft = await create_draft(authenticated_client)
    before = await etag_of(authenticated_client, f"{POSTS}/{draft['id']}")
    response = await authenticated_client.patch(f"{POSTS}/{draft['id']}", json={})
    assert response.json() == draft
    assert response.headers["etag"] == before


async def test_a_deleted_post_is_not_found(authenticated_client: httpx.AsyncClient) -> None:
    post = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    deleted = await authenticated_client.delete(post)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert_problem(await authenticated_client.get(post), 404, "post_not_found")
    assert_problem(await authenticated_client.delete(post), 404, "post_not_found")


async def test_an_unknown_post_is_not_found(
    authenticated_client: httpx.AsyncClient,
) -> None:
    post = f"{POSTS}/{new_id()}"
    for response in (
        await authenticated_client.get(post),
        await authenticated_client.patch(post, json={"title": "Engines"}),
        await authenticated_client.delete(post),
        await authenticated_client.post(f"{post}/publish"),
        await authenticated_client.post(f"{post}/unpublish"),
    ):
        assert_problem(response, 404, "post_not_found")


async def test_a_post_id_that_is_not_a_uuid_is_refused(
    authenticated_client: httpx.AsyncClient,
) -> None:
    for response in (
        await authenticated_client.get(f"{POSTS}/1"),
        await authenticated_client.patch(f"{POSTS}/1", json={"title": "Engines"}),
        await authenticated_client.delete(f"{POSTS}/1"),
        await authenticated_client.post(f"{POSTS}/1/publish"),
        await authenticated_client.post(f"{POSTS}/1/unpublish"),
    ):
        assert_problem(response, 422, "validation_failed")
