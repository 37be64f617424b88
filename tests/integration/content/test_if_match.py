"""`If-Match`: a change is made to the version that was read, or not at all."""

import asyncio

import httpx
import pytest

from tests.support.posts import POSTS, write_draft
from tests.support.problems import assert_problem

MATCHING = {
    "the tag": '"1"',
    "any": "*",
    "a list with the tag": '"7", "1"',
    "a list without spaces": '"7","1"',
    "a list with empty elements": ', "7",,"1" ,',
    "a list with a weak tag beside": 'W/"7", "1"',
}
OTHER = {
    "another tag": '"2"',
    "the tag, weak": 'W/"1"',
    "the tag, weak in lower case": 'w/"1"',
    "the tag among words": 'if "1" then',
    "a list of others": '"2", "3"',
    "the tag within another": '"11"',
    "the tag without quotes": "1",
    "half a tag": '"1',
    "the empty tag": '""',
    "no tag": "",
    "words": "anything you like",
    "any and more": '*, "2"',
    "not ASCII": '"é"',
}
CHANGES = {
    "PATCH": ("PATCH", "", {"title": "Looms"}),
    "DELETE": ("DELETE", "", None),
    "publish": ("POST", "/publish", None),
    "unpublish": ("POST", "/unpublish", None),
}


@pytest.mark.parametrize("header", MATCHING.values(), ids=MATCHING.keys())
async def test_a_change_is_made_with(authenticated_client: httpx.AsyncClient, header: str) -> None:
    draft = await write_draft(authenticated_client)
    answer = await authenticated_client.patch(
        f"{POSTS}/{draft['id']}", json={"title": "Looms"}, headers={"If-Match": header}
    )
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'


@pytest.mark.parametrize("header", OTHER.values(), ids=OTHER.keys())
async def test_a_change_is_refused_with(
    authenticated_client: httpx.AsyncClient, header: str
) -> None:
    draft = await write_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    answer = await authenticated_client.patch(
        url, json={"title": "Looms"}, headers={b"If-Match": header.encode("latin-1")}
    )
    assert_problem(answer, 412, "precondition_failed")
    assert answer.headers["etag"] == '"1"'
    assert (await authenticated_client.get(url)).json() == draft


@pytest.mark.parametrize(("method", "suffix", "body"), CHANGES.values(), ids=CHANGES.keys())
async def test_each_change_looks_at_it(
    authenticated_client: httpx.AsyncClient, method: str, suffix: str, body: dict[str, str] | None
) -> None:
    draft = await write_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    answer = await authenticated_client.request(
        method, url + suffix, json=body, headers={"If-Match": '"9"'}
    )
    assert_problem(answer, 412, "precondition_failed")
    assert (await authenticated_client.get(url)).json() == draft


async def test_the_tag_of_a_refusal_lets_the_next_try_through(
    authenticated_client: httpx.AsyncClient,
) -> None:
    url = f"{POSTS}/{(await write_draft(authenticated_client))['id']}"
    await authenticated_client.patch(url, json={"title": "Looms"})
    stale = await authenticated_client.delete(url, headers={"If-Match": '"1"'})
    assert stale.headers["etag"] == '"2"'
    fresh = await authenticated_client.delete(url, headers={"If-Match": stale.headers["etag"]})
    assert fresh.status_code == 204


async def test_of_five_changes_at_once_to_one_version_one_is_made(
    authenticated_client: httpx.AsyncClient,
) -> None:
    url = f"{POSTS}/{(await write_draft(authenticated_client))['id']}"
    answers = await asyncio.gather(
        *(
            authenticated_client.patch(
                url, json={"title": f"Change {number}"}, headers={"If-Match": '"1"'}
            )
            for number in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    (made,) = (answer for answer in answers if answer.status_code == 200)
    assert (await authenticated_client.get(url)).json() == made.json()


async def test_without_it_five_changes_at_once_are_all_made(
    authenticated_client: httpx.AsyncClient,
) -> None:
    url = f"{POSTS}/{(await write_draft(authenticated_client))['id']}"
    answers = await asyncio.gather(
        *(authenticated_client.patch(url, json={"title": f"Change {n}"}) for n in range(5))
    )
    assert [answer.status_code for answer in answers] == [200] * 5
    assert (await authenticated_client.get(url)).headers["etag"] == '"6"'


async def test_a_header_over_a_kilobyte_is_invalid(
    authenticated_client: httpx.AsyncClient,
) -> None:
    url = f"{POSTS}/{(await write_draft(authenticated_client))['id']}"
    answer = await authenticated_client.delete(url, headers={"If-Match": ", ".join(['"1"'] * 300)})
    assert_problem(answer, 422, "validation_failed")
