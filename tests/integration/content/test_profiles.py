"""Each user has one profile: created on first use, replaced by PUT and changed by PATCH."""

import asyncio
from datetime import datetime

import httpx
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_common.ids import new_id
from duet_content.profiles.models import Profile
from tests.support.factories import make_profile
from tests.support.problems import assert_problem
from tests.support.users import RegisteredUser

ME = "/api/v1/profiles/me"
ADA = {
    "display_name": "Ada Lovelace",
    "bio": "Analyst of engines",
    "avatar_url": "https://example.com/ada.png",
}


async def test_the_first_read_of_the_own_profile_creates_an_empty_one(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    response = await authenticated_client.get(ME)
    assert response.status_code == 200
    profile = response.json()
    assert profile.keys() == {
        *("user_id", "display_name", "bio", "avatar_url"),
        *("created_at", "updated_at"),
    }
    assert profile["user_id"] == str(registered_user.id)
    assert [profile[name] for name in ADA] == [None, None, None]


async def test_ten_concurrent_first_reads_create_one_profile(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    responses = await asyncio.gather(*(authenticated_client.get(ME) for _ in range(10)))
    assert {response.status_code for response in responses} == {200}
    assert len({response.text for response in responses}) == 1
    assert await db_session.scalar(select(func.count()).select_from(Profile)) == 1


async def test_ten_concurrent_first_writes_create_one_profile(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    responses = await asyncio.gather(*(authenticated_client.put(ME, json=ADA) for _ in range(10)))
    assert {response.status_code for response in responses} == {200}
    assert await db_session.scalar(select(func.count()).select_from(Profile)) == 1


async def test_put_stores_the_whole_profile(authenticated_client: httpx.AsyncClient) -> None:
    response = await authenticated_client.put(ME, json=ADA)
    assert response.status_code == 200
    assert response.json().items() >= ADA.items()
    assert (await authenticated_client.get(ME)).json() == response.json()


async def test_put_clears_fields_that_are_not_given(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.put(ME, json=ADA)
    replaced = (await authenticated_client.put(ME, json={"bio": "Countess"})).json()
    assert [replaced[name] for name in ADA] == [None, "Countess", None]


async def test_patch_keeps_fields_that_are_not_given(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.put(ME, json=ADA)
    changed = (await authenticated_client.patch(ME, json={"bio": "Countess"})).json()
    assert changed.items() >= {**ADA, "bio": "Countess"}.items()


async def test_patch_clears_fields_that_are_null(authenticated_client: httpx.AsyncClient) -> None:
    await authenticated_client.put(ME, json=ADA)
    changed = (await authenticated_client.patch(ME, json={"avatar_url": None})).json()
    assert changed.items() >= {**ADA, "avatar_url": None}.items()


async def test_an_empty_patch_changes_nothing(authenticated_client: httpx.AsyncClient) -> None:
    before = (await authenticated_client.put(ME, json=ADA)).json()
    response = await authenticated_client.patch(ME, json={})
    assert response.status_code == 200
    assert response.json() == before


async def test_a_patch_creates_a_missing_profile(
    authenticated_client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    response = await authenticated_client.patch(ME, json={"bio": "Countess"})
    assert response.status_code == 200
    assert (await authenticated_client.get(f"/api/v1/profiles/{registered_user.id}")).json()[
        "bio"
    ] == ("Countess")


async def test_a_change_updates_updated_at_and_not_created_at(
    authenticated_client: httpx.AsyncClient,
) -> None:
    before = (await authenticated_client.put(ME, json=ADA)).json()
    after = (await authenticated_client.patch(ME, json={"bio": "Countess"})).json()
    assert after["created_at"] == before["created_at"]
    assert datetime.fromisoformat(after["updated_at"]) > datetime.fromisoformat(
        before["updated_at"]
    )


async def test_timestamps_are_utc_in_rfc_3339_format(
    authenticated_client: httpx.AsyncClient,
) -> None:
    profile = (await authenticated_client.get(ME)).json()
    for name in ("created_at", "updated_at"):
        assert profile[name].endswith("Z")
        assert datetime.fromisoformat(profile[name]).tzinfo is not None


async def test_a_profile_can_be_read_without_a_token(
    client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    profile = await make_profile(db_session, bio="Analyst")
    await db_session.commit()
    response = await client.get(f"/api/v1/profiles/{profile.user_id}")
    assert response.status_code == 200
    assert response.json()["bio"] == "Analyst"


async def test_a_missing_profile_is_not_found(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get(f"/api/v1/profiles/{new_id()}"), 404, "profile_not_found")


async def test_reading_another_users_missing_profile_does_not_create_it(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession
) -> None:
    await authenticated_client.get(f"/api/v1/profiles/{new_id()}")
    assert await db_session.scalar(select(func.count()).select_from(Profile)) == 0


async def test_a_user_id_that_is_not_a_uuid_is_refused(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/api/v1/profiles/ada"), 422, "validation_failed")


async def test_the_own_profile_needs_a_token(client: httpx.AsyncClient) -> None:
    for response in (
        await client.get(ME),
        await client.put(ME, json=ADA),
        await client.patch(ME, json=ADA),
    ):
        assert_problem(response, 401, "authentication_required")
