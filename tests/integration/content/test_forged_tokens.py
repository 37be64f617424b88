"""No forged token opens content over HTTP, and the answer never tells which check refused it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from duet_common.testing.clock import FrozenClock
from duet_common.testing.tokens import TokenFactory
from duet_standalone.databases import DatabaseUrls
from tests.support.content_server import serving_content
from tests.support.forged_tokens.catalogue import Forgery, forgeries
from tests.support.problems import assert_problem
from tests.support.running_duet import content_settings

ME = "/api/v1/profiles/me"
# Frozen: some forgeries are only wrong for a few seconds.
CLOCK = FrozenClock()
FACTORY = TokenFactory(CLOCK)
_OF_EACH_REQUEST = {"date", "x-request-id", "x-process-time", "server-timing"}


def _fits_a_header(token: str) -> bool:
    return token.isascii() and token.isprintable() and token == token.strip()


FORGERIES = [forgery for forgery in forgeries(FACTORY) if _fits_a_header(forgery.token)]


@pytest.fixture(scope="module")
async def content(
    database_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a content that trusts the factory's keys, by a file."""
    jwks = tmp_path_factory.mktemp("keys") / "jwks.json"
    jwks.write_bytes(FACTORY.jwks())
    async with (
        serving_content(content_settings(database_urls.content, jwks), CLOCK) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield client


async def ask(content: httpx.AsyncClient, token: str, url: str = ME) -> httpx.Response:
    return await content.get(url, headers={"Authorization": f"Bearer {token}".strip()})


def told(answer: httpx.Response) -> tuple[dict[str, str], dict[str, object]]:
    """What an answer tells, but for what differs with each request."""
    headers = {k: v for k, v in answer.headers.items() if k not in _OF_EACH_REQUEST}
    return headers, {**answer.json(), "instance": None}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
async def test_it_is_refused(content: httpx.AsyncClient, forgery: Forgery) -> None:
    answer = await ask(content, forgery.token)
    assert_problem(answer, 401, "invalid_token")
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="duet", error="invalid_token", error_description=')


async def test_it_is_refused_where_a_token_is_optional(content: httpx.AsyncClient) -> None:
    for forgery in FORGERIES[::10]:
        answer = await ask(content, forgery.token, "/api/v1/posts")
        assert_problem(answer, 401, "invalid_token")


async def test_all_are_answered_alike(content: httpx.AsyncClient) -> None:
    answers = [told(await ask(content, forgery.token)) for forgery in FORGERIES]
    assert all(answer == answers[0] for answer in answers)


async def test_the_good_token_is_let_in(content: httpx.AsyncClient) -> None:
    answer = await ask(content, FACTORY.access_token(), "/api/v1/posts?author=me")
    assert answer.status_code == 200


async def test_most_forgeries_fit_a_header() -> None:
    assert len(FORGERIES) > 200
