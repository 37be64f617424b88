"""A profile's ETag changes with each change, and If-Match prevents lost updates."""

import asyncio

import httpx
import pytest

from tests.support.posts import etag_of
from tests.support.problems import assert_problem
from tests.support.users import RegisteredUser

ME = "/api/v1/profiles/me"
ADA = {
    "display_name": "Ada Lovelace",
    "bio": "Analyst of engines",
    "avatar_url": "https://example.com/ada.png",
}
CHANGES: dict[str, dict[str, str | None]] = {
    "another name": {"display_name": "Countess"},
    "no name": {"display_name": None},
    "another bio": {"bio": "Countess"},
    "no bio": {"bio": None},
    "another avatar": {"avatar_url": "https://example.com/countess.png"},
    "no avatar": {"avatar_url": None},
}
WRITES = pytest.mark.parametrize("method", ["PUT", "PATCH"])


async def test_the_etag_of_an_unchanged_profile_is_the_same_for_every_read_and_reader(
    authenticated_client: httpx.AsyncClient,
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
) -> None:
    first = await etag_of(authenticated_client, ME)  # creates the profile
    assert await etag_of(authenticated_client, ME) == first
    assert await etag_of(client, f"/api/v1/profiles/{registered_user.id}") == first


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_each_change_changes_the_etag(
    authenticated_client: httpx.AsyncClient, change: dict[str, str | None]
) -> None:
    first = (await authenticated_client.put(ME, json=ADA)).headers["etag"]
    second = (await authenticated_client.patch(ME, json=change)).headers["etag"]
    assert second != first
    assert await etag_of(authenticated_client, ME) == second


async def test_the_former_values_do_not_restore_the_former_etag(
    authenticated_client: httpx.AsyncClient,
) -> None:
    tags = [
        (await authenticated_client.put(ME, json=values)).headers["etag"]
        for values in (ADA, {"bio": "Countess"}, ADA)
    ]
    assert len(set(tags)) == 3  # `updated_at` differs


async def test_an_empty_patch_keeps_the_etag(authenticated_client: httpx.AsyncClient) -> None:
    first = (await authenticated_client.put(ME, json=ADA)).headers["etag"]
    assert (await authenticated_client.patch(ME, json={})).headers["etag"] == first


@WRITES
async def test_a_write_with_the_current_etag_succeeds(
    authenticated_client: httpx.AsyncClient, method: str
) -> None:
    current = (await authenticated_client.put(ME, json=ADA)).headers["etag"]
    response = await authenticated_client.request(
        method, ME, json={"bio": "Countess"}, headers={"If-Match": current}
    )
    assert response.status_code == 200
    assert response.json()["bio"] == "Countess"


@WRITES
async def test_a_write_with_an_asterisk_succeeds(
    authenticated_client: httpx.AsyncClient, method: str
) -> None:
    response = await authenticated_client.request(
        method, ME, json={"bio": "Countess"}, headers={"If-Match": "*"}
    )
    assert response.status_code == 200


@WRITES
@pytest.mark.parametrize("form", ["{}", "W/{}", '"2"', ""])
async def test_a_write_with_a_stale_or_weak_etag_is_refused_and_changes_nothing(
    authenticated_client: httpx.AsyncClient, method: str, form: str
) -> None:
    stale = (await authenticated_client.put(ME, json=ADA)).headers["etag"]
    await authenticated_client.patch(ME, json={"bio": "Countess"})
    before = await authenticated_client.get(ME)
    tag = before.headers["etag"] if form.startswith("W/") else stale
    response = await authenticated_client.request(
        method, ME, json={"bio": "Baron"}, headers={"If-Match": form.format(tag)}
    )
    assert_problem(response, 412, "precondition_failed")
    after = await authenticated_client.get(ME)
    assert after.json() == before.json()
    assert response.headers["etag"] == after.headers["etag"] == before.headers["etag"]


async def test_the_etag_of_a_refusal_can_be_used_for_the_next_attempt(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.put(ME, json=ADA)
    refused = await authenticated_client.patch(
        ME, json={"bio": "Countess"}, headers={"If-Match": '"2"'}
    )
    again = await authenticated_client.patch(
        ME, json={"bio": "Countess"}, headers={"If-Match": refused.headers["etag"]}
    )
    assert again.status_code == 200


@WRITES
async def test_one_of_five_concurrent_writes_with_the_same_etag_succeeds(
    authenticated_client: httpx.AsyncClient, method: str
) -> None:
    read = (await authenticated_client.put(ME, json=ADA)).headers["etag"]
    responses = await asyncio.gather(
        *(
            authenticated_client.request(
                method, ME, json={"bio": f"Bio {number}"}, headers={"If-Match": read}
            )
            for number in range(5)
        )
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412, 412, 412]
    (made,) = (response for response in responses if response.status_code == 200)
    assert (await authenticated_client.get(ME)).json() == made.json()


async def test_a_header_over_one_kilobyte_is_refused(
    authenticated_client: httpx.AsyncClient,
) -> None:
    response = await authenticated_client.put(
        ME, json=ADA, headers={"If-Match": ", ".join(['"1"'] * 300)}
    )
    assert_problem(response, 422, "validation_failed")
