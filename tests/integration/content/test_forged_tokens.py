"""Content refuses every forged token over HTTP with the same response, whatever the flaw."""

from collections.abc import AsyncIterator

import httpx
import pytest

from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from duet_standalone.databases import DatabaseUrls
from tests.support.content_server import running_content
from tests.support.forged_tokens.catalogue import Forgery, forgeries
from tests.support.problems import assert_problem
from tests.support.running_duet import content_settings

ME = "/api/v1/profiles/me"
# The clock is frozen because some forgeries become valid after a few seconds.
CLOCK = FrozenClock()
FACTORY = TokenFactory(CLOCK)
_HEADERS_PER_REQUEST = {"date", "x-request-id", "x-process-time", "server-timing"}


def _fits_a_header(token: str) -> bool:
    return token.isascii() and token.isprintable() and token == token.strip()


FORGERIES = [forgery for forgery in forgeries(FACTORY) if _fits_a_header(forgery.token)]


@pytest.fixture(scope="module")
async def content_client(
    database_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a content service that reads the factory's public keys from a file."""
    jwks = tmp_path_factory.mktemp("keys") / "jwks.json"
    jwks.write_bytes(FACTORY.jwks())
    async with (
        running_content(content_settings(database_urls.content, jwks), CLOCK) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield client


async def get(content_client: httpx.AsyncClient, token: str, url: str = ME) -> httpx.Response:
    return await content_client.get(url, headers={"Authorization": f"Bearer {token}".strip()})


def comparable_parts(response: httpx.Response) -> tuple[dict[str, str], dict[str, object]]:
    """Return headers and body without the values that differ for each request."""
    headers = {k: v for k, v in response.headers.items() if k not in _HEADERS_PER_REQUEST}
    return headers, {**response.json(), "instance": None}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
async def test_a_forged_token_is_refused(
    content_client: httpx.AsyncClient, forgery: Forgery
) -> None:
    response = await get(content_client, forgery.token)
    assert_problem(response, 401, "invalid_token")
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="duet", error="invalid_token", error_description=')


async def test_a_forged_token_is_refused_where_a_token_is_optional(
    content_client: httpx.AsyncClient,
) -> None:
    for forgery in FORGERIES[::10]:
        response = await get(content_client, forgery.token, "/api/v1/posts")
        assert_problem(response, 401, "invalid_token")


async def test_all_forged_tokens_get_the_same_response(content_client: httpx.AsyncClient) -> None:
    responses = [
        comparable_parts(await get(content_client, forgery.token)) for forgery in FORGERIES
    ]
    assert all(response == responses[0] for response in responses)


async def test_a_valid_token_is_accepted(content_client: httpx.AsyncClient) -> None:
    response = await get(content_client, FACTORY.access_token(), "/api/v1/posts?author=me")
    assert response.status_code == 200


async def test_over_two_hundred_forgeries_fit_into_a_header() -> None:
    assert len(FORGERIES) > 200
