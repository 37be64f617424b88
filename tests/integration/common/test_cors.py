"""Pages of the origins in `ALLOWED_ORIGINS` can use both services; other pages cannot."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from duet_auth.users.service import UserService
from duet_common.clock import utc_now
from duet_common.errors import DatabaseUnavailable
from duet_common.web.rate_limits import RateLimiter
from tests.support.log_records import records_of
from tests.support.metrics import scrape
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet, running_duet
from tests.support.users import register_user

APP = "https://app.example.com"
EVIL = "https://evil.example.com"
JWKS = "/.well-known/jwks.json"
LOGIN = "/api/v1/auth/login"
WRONG = {"username": "ada@example.com", "password": "wrong"}
POSTS = "/api/v1/posts"
COUNT = "http_requests_total"
EXPOSED = "ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id"
PATHS = [
    *(LOGIN, "/api/v1/users/me", JWKS, "/api/v1/auth/nothing"),
    *(POSTS, f"{POSTS}/0", "/api/v1/profiles/me", "/api/v1/posts/a/b/c"),
    *("/openapi.json", "/docs", "/nothing", "/"),
]


@pytest.fixture(scope="session")
async def session_open_duet(session_duet: Duet) -> AsyncIterator[Duet]:
    settings = {"allowed_origins": [APP]}
    async with running_duet(
        session_duet.urls, utc_now, auth=settings, content=settings
    ) as open_duet:
        yield open_duet


@pytest.fixture
def open_duet(session_open_duet: Duet, duet: Duet) -> Duet:
    """Both services without rate limits, for pages of the origin `APP`, on the tables of `duet`."""
    return session_open_duet


@pytest.fixture
async def page(open_duet: Duet) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends the requests of a page of the allowed origin."""
    async with httpx.AsyncClient(base_url=open_duet.url, headers={"Origin": APP}) as client:
        yield client


@pytest.fixture
async def limited_page(duet: Duet, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The same with low rate limits."""
    keys = tmp_path / "jwks.json"
    keys.write_bytes(duet.auth.runtime.ring.jwks)
    common = {"allowed_origins": [APP], "rate_limit_enabled": True, "rate_limit_address": 20}
    async with (
        running_duet(
            duet.urls,
            utc_now,
            auth={**common, "rate_limit_login": 1},
            content={**common, "jwks_file": keys},
        ) as limited_duet,
        httpx.AsyncClient(base_url=limited_duet.url, headers={"Origin": APP}) as client,
    ):
        yield client


async def preflight(
    client: httpx.AsyncClient, path: str, method: str = "POST", origin: str = APP, names: str = ""
) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    if names:
        headers["Access-Control-Request-Headers"] = names
    return await client.options(path, headers=headers)


def vary(response: httpx.Response) -> set[str]:
    names = response.headers.get_list("vary", split_commas=True)
    assert len(names) == len(set(names)), names
    return set(names)


def cors_headers(response: httpx.Response) -> set[str]:
    return {name for name in response.headers if name.startswith("access-control-")}


def assert_readable(response: httpx.Response, status: int) -> None:
    """Assert that a page of the allowed origin can read the response and its headers."""
    assert response.status_code == status, response.text
    assert response.headers.get_list("access-control-allow-origin") == [APP]
    assert response.headers["access-control-expose-headers"] == EXPOSED
    assert "access-control-allow-credentials" not in response.headers
    assert "Origin" in vary(response)


class TestPreflight:
    @pytest.mark.parametrize("path", PATHS)
    async def test_it_succeeds_for_every_path_without_a_token(
        self, page: httpx.AsyncClient, path: str
    ) -> None:
        response = await preflight(page, path, "DELETE", names="authorization,content-type")

        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == APP
        assert "Origin" in vary(response)
        assert "x-request-id" in response.headers

    async def test_it_allows_the_methods_and_headers_that_clients_send(
        self, page: httpx.AsyncClient
    ) -> None:
        headers = (await preflight(page, POSTS)).headers

        allowed = set(headers["access-control-allow-methods"].split(", "))
        assert allowed == {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
        names = set(headers["access-control-allow-headers"].lower().split(", "))
        assert names >= {
            *("authorization", "content-type", "if-match", "if-none-match", "x-request-id"),
            *("traceparent", "tracestate"),
        }
        assert headers["access-control-max-age"] == "7200"

    async def test_the_browser_compares_the_method_and_the_headers(
        self, page: httpx.AsyncClient
    ) -> None:
        response = await preflight(page, POSTS, "TRACE", names="x-secret")

        assert response.status_code == 204
        assert "TRACE" not in response.headers["access-control-allow-methods"]
        assert "x-secret" not in response.headers["access-control-allow-headers"]

    async def test_it_does_not_count_towards_a_rate_limit(
        self, limited_page: httpx.AsyncClient
    ) -> None:
        for path in (LOGIN, POSTS):
            for _ in range(30):
                assert (await preflight(limited_page, path)).status_code == 204

        assert_readable(await limited_page.post(LOGIN, data=WRONG), 401)
        assert_readable(await limited_page.get(POSTS), 200)

    async def test_it_is_logged_and_counted_like_a_request(
        self, open_duet: Duet, page: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="duet.request")
        before = await scrape(open_duet.content)
        caplog.clear()
        for number in range(3):
            await preflight(page, f"{POSTS}/{number}", "PATCH")
            await preflight(page, f"{POSTS}/{number}/x/y", "PATCH")

        after = await scrape(open_duet.content)
        for handler in ("/api/v1/posts/{post_id}", "none"):
            labels = {"method": "OPTIONS", "handler": handler, "status": "204"}
            assert after.value(COUNT, **labels) == 3 + before.value(COUNT, **labels)
        records = records_of(caplog, "duet.request")
        assert [(r.__dict__["method"], r.__dict__["status"]) for r in records] == [
            ("OPTIONS", 204)
        ] * 6

    @pytest.mark.parametrize(
        "origin", [EVIL, "null", "http://app.example.com", f"{APP}:8443", f"{APP}.evil.example"]
    )
    @pytest.mark.parametrize("path", [LOGIN, POSTS, "/openapi.json"])
    async def test_it_is_refused_for_another_origin(
        self, page: httpx.AsyncClient, path: str, origin: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="duet.request")

        response = await preflight(page, path, origin=origin)

        assert_problem(response, 403, "origin_refused")
        assert cors_headers(response) == set()
        assert "Origin" in vary(response)
        [record] = records_of(caplog, "duet.request")
        assert record.__dict__["code"] == "origin_refused"


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/docs/swagger-ui.css", JWKS])
async def test_a_response_of_each_app_can_be_read(page: httpx.AsyncClient, path: str) -> None:
    response = await page.get(path)

    assert_readable(response, 307 if path == "/" else 200)


async def test_a_page_can_read_every_response_of_a_session(page: httpx.AsyncClient) -> None:
    user = await register_user(page)
    page.headers.update(user.headers)

    created = await page.post(POSTS, json={"title": "Engines", "content": "They weave."})
    assert_readable(created, 201)
    path = created.headers["location"]
    assert_readable(await page.get(path), 200)
    stale = await page.patch(path, json={"title": "x"}, headers={"If-Match": '"0"'})
    assert_readable(stale, 412)
    assert_readable(await page.delete(path), 204)
    tag = (await page.get(JWKS)).headers["etag"]
    assert_readable(await page.get(JWKS, headers={"If-None-Match": tag}), 304)


async def test_a_page_can_read_every_error(page: httpx.AsyncClient) -> None:
    json = {"Content-Type": "application/json"}
    refresh = "/api/v1/auth/refresh"
    assert_readable(await page.post(LOGIN, data=WRONG), 401)
    assert_readable(await page.post(LOGIN, data={}), 422)
    assert_readable(await page.get(LOGIN), 405)
    assert_readable(await page.post(refresh, content=b"{", headers=json), 400)
    assert_readable(await page.post(refresh, content=b" " * 2**21, headers=json), 413)
    for path in ("/api/v1/auth/nothing", "/api/v1/posts/x/y/z", "/nothing"):
        assert_readable(await page.get(path), 404)


async def test_a_page_can_read_that_it_sent_too_many_requests(
    limited_page: httpx.AsyncClient,
) -> None:
    statuses = [(await limited_page.get(POSTS)).status_code for _ in range(20)]
    assert set(statuses) == {200}

    assert_readable(await limited_page.get(POSTS), 429)


@pytest.mark.parametrize("path", ["/api/v1/users/me", POSTS])
async def test_a_page_can_read_the_response_to_an_unexpected_error(
    limited_page: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(RateLimiter, "hit", fail)

    response = await limited_page.get(path)

    assert_problem(response, 500, "internal_error")
    assert_readable(response, 500)


async def test_a_page_can_read_the_response_during_an_outage(
    page: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(UserService, "authenticate", fail)

    assert_readable(await page.post(LOGIN, data=WRONG), 503)


@pytest.mark.parametrize("path", [JWKS, "/api/v1/users/me", POSTS, "/docs", "/nothing"])
@pytest.mark.parametrize("headers", [{}, {"Origin": EVIL}, {"Origin": "null"}])
async def test_a_response_to_another_origin_has_no_cors_headers_and_varies(
    open_duet: Duet, path: str, headers: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=open_duet.url) as client:
        response = await client.get(path, headers=headers)

    assert cors_headers(response) == set()
    assert "Origin" in vary(response)


@pytest.mark.parametrize("path", [JWKS, POSTS, "/openapi.json"])
async def test_cors_is_off_by_default(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"Origin": APP})
    assert cors_headers(response) == set()
    assert "Origin" not in vary(response)

    assert_problem(await preflight(client, path), 405, "method_not_allowed")
