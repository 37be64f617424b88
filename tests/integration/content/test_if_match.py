"""With `If-Match`, a post is changed only if its ETag matches (RFC 9110, section 13.1.1)."""

import asyncio

import httpx
import pytest

from tests.support.posts import POSTS, create_draft, etag_of
from tests.support.problems import assert_problem

# `{}` is the current tag without its quotes.
MATCHING = {
    "the current tag": '"{}"',
    "an asterisk": "*",
    "a list with the current tag": '"7", "{}"',
    "a list without spaces": '"7","{}"',
    "a list with empty elements": ', "7",,"{}" ,',
    "a list with the current tag and a weak tag": 'W/"7", "{}"',
}
NOT_MATCHING = {
    "another tag": '"2"',
    "the version alone": '"1"',
    "a weak tag": 'W/"{}"',
    "a weak tag in lower case": 'w/"{}"',
    "the current tag within text": 'if "{}" then',
    "a list of other tags": '"2", "3"',
    "a tag that contains the current one": '"1{}"',
    "the current tag without quotes": "{}",
    "an unclosed tag": '"{}',
    "an empty tag": '""',
    "an empty header": "",
    "text": "anything you like",
    "an asterisk and a tag": '*, "2"',
    "not ASCII": '"é"',
}
CHANGES = {
    "PATCH": ("PATCH", "", {"title": "Looms"}),
    "DELETE": ("DELETE", "", None),
    "publish": ("POST", "/publish", None),
    "unpublish": ("POST", "/unpublish", None),
}


@pytest.mark.parametrize("header", MATCHING.values(), ids=MATCHING.keys())
async def test_a_matching_header_allows_the_change(
    authenticated_client: httpx.AsyncClient, header: str
) -> None:
    url = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    before = await etag_of(authenticated_client, url)
    response = await authenticated_client.patch(
        url, json={"title": "Looms"}, headers={"If-Match": header.format(before.strip('"'))}
    )
    assert response.status_code == 200
    assert response.headers["etag"] != before
    assert response.headers["etag"] == await etag_of(authenticated_client, url)


@pytest.mark.parametrize("header", NOT_MATCHING.values(), ids=NOT_MATCHING.keys())
async def test_a_header_that_does_not_match_prevents_the_change(
    authenticated_client: httpx.AsyncClient, header: str
) -> None:
    draft = await create_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    current = await etag_of(authenticated_client, url)
    sent = header.format(current.strip('"')).encode("latin-1")
    response = await authenticated_client.patch(
        url, json={"title": "Looms"}, headers={b"If-Match": sent}
    )
    assert_problem(response, 412, "precondition_failed")
    assert response.headers["etag"] == current
    assert (await authenticated_client.get(url)).json() == draft


@pytest.mark.parametrize(("method", "suffix", "body"), CHANGES.values(), ids=CHANGES.keys())
async def test_every_write_checks_the_header(
    authenticated_client: httpx.AsyncClient, method: str, suffix: str, body: dict[str, str] | None
) -> None:
    draft = await create_draft(authenticated_client)
    url = f"{POSTS}/{draft['id']}"
    response = await authenticated_client.request(
        method, url + suffix, json=body, headers={"If-Match": '"9"'}
    )
    assert_problem(response, 412, "precondition_failed")
    assert (await authenticated_client.get(url)).json() == draft


async def test_the_etag_of_a_refusal_can_be_used_for_the_next_attempt(
    authenticated_client: httpx.AsyncClient,
) -> None:
    url = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    read = await etag_of(authenticated_client, url)
    await authenticated_client.patch(url, json={"title": "Looms"})
    stale = await authenticated_client.delete(url, headers={"If-Match": read})
    assert_problem(stale, 412, "precondition_failed")
    fresh = await authenticated_client.delete(url, headers={"If-Match": stale.headers["etag"]})
    assert fresh.status_code == 204


async def test_one_of_five_concurrent_changes_to_a_version_succeeds(
    authenticated_client: httpx.AsyncClient,
) -> None:
    url = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    read = await etag_of(authenticated_client, url)
    responses = await asyncio.gather(
        *(
            authenticated_client.patch(
                url, json={"title": f"Change {number}"}, headers={"If-Match": read}
            )
            for number in range(5)
        )
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412, 412, 412]
    (made,) = (response for response in responses if response.status_code == 200)
    assert (await authenticated_client.get(url)).json() == made.json()


async def test_concurrent_changes_without_the_header_all_succeed(
    authenticated_client: httpx.AsyncClient,
) -> None:
    url = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    responses = await asyncio.gather(
        *(authenticated_client.patch(url, json={"title": f"Change {n}"}) for n in range(5))
    )
    assert [response.status_code for response in responses] == [200] * 5
    assert len({response.headers["etag"] for response in responses}) == 5


async def test_a_header_over_one_kilobyte_is_refused(
    authenticated_client: httpx.AsyncClient,
) -> None:
    url = f"{POSTS}/{(await create_draft(authenticated_client))['id']}"
    response = await authenticated_client.delete(
        url, headers={"If-Match": ", ".join(['"1"'] * 300)}
    )
    assert_problem(response, 422, "validation_failed")
