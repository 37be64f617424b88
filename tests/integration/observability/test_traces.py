"""One request is one server span, by its template, with its SQL below it, and no secret in it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from duet_common.clock import utc_now
from tests.support.running_duet import Duet, running_duet
from tests.support.trace_collector import Collector, collecting
from tests.support.users import PASSWORD, RegisteredUser, register_user

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
POST = "/api/v1/posts/{post_id}"


@pytest.fixture(autouse=True)
def standard_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that a developer has set would change what is sent; ours is set by the code."""
    for name in ("SERVICE_NAME", "TRACES_SAMPLER", "EXPORTER_OTLP_HEADERS", "SDK_DISABLED"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    # Whoever turns header capture on must not export tokens with it.
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", ".*")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE", ".*")


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@asynccontextmanager
async def traced(duet: Duet, url: str) -> AsyncIterator[tuple[Duet, httpx.AsyncClient]]:
    """A pair of its own that is traced, and its client; at the end every span has been sent."""
    settings = {"otel_exporter_otlp_endpoint": url}
    async with (
        running_duet(duet.urls, utc_now, auth=settings, content=settings) as own,
        httpx.AsyncClient(base_url=own.url) as client,
    ):
        yield own, client


async def new_post(client: httpx.AsyncClient, author: RegisteredUser) -> str:
    """The path of a published post."""
    created = await client.post("/api/v1/posts", json={"title": "Hello"}, headers=author.headers)
    path: str = created.headers["location"]
    await client.post(f"{path}/publish", headers=author.headers)
    return path


async def test_a_request_is_one_span_by_template_with_its_sql(
    duet: Duet, collector: Collector
) -> None:
    async with traced(duet, collector.url) as (_, client):
        path = await new_post(client, await register_user(client))
        parent = f"00-{TRACE}-{PARENT}-01"
        answer = await client.get(path, headers={"traceparent": parent})
    assert answer.status_code == 200

    served = collector.server(f"GET {POST}")
    assert served.service == "duet-content"
    assert served.attribute("http.route") == POST
    assert served.span.trace_id.hex() == TRACE
    assert served.span.parent_span_id.hex() == PARENT
    (sql,) = collector.below(served)
    assert sql.service == "duet-content"
    assert sql.span.trace_id.hex() == TRACE
    assert sql.attribute("db.query.text").startswith("SELECT posts.id")
    assert sql.attribute("db.namespace") == "duet_content"


async def test_the_orm_and_the_read_pool_are_both_traced_once(
    duet: Duet, collector: Collector
) -> None:
    async with traced(duet, collector.url) as (_, client):
        await register_user(client)

    registered = collector.below(collector.server("POST /api/v1/auth/register"))
    assert [seen.span.name for seen in registered] == ["BEGIN;", "INSERT", "COMMIT;"]
    assert {seen.service for seen in registered} == {"duet-auth"}
    read, *_ = collector.below(collector.server("POST /api/v1/auth/login"))
    assert read.attribute("db.query.text").startswith("SELECT users.id")


async def test_nothing_but_requests_and_their_sql_is_traced(
    duet: Duet, collector: Collector
) -> None:
    async with traced(duet, collector.url) as (own, client):
        await new_post(client, await register_user(client))
        await client.get("/nothing/here")
        await client.get("/api/v1/posts/livez")
        for app in (own.auth, own.content):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://pod") as pod:
                for path in ("/livez", "/readyz", "/metrics"):
                    assert (await pod.get(path)).status_code == 200
        # What runs beside the requests: the keys, read again.
        await own.auth.runtime.ring.refresh()

    assert collector.servers == {
        "GET /.well-known/jwks.json": 1,
        "POST /api/v1/auth/register": 1,
        "POST /api/v1/auth/login": 1,
        "POST /api/v1/posts": 1,
        f"POST {POST}/publish": 1,
        f"GET {POST}": 1,
    }
    ids = {seen.span.span_id for seen in collector.spans if seen.is_server}
    assert all(s.is_server or s.span.parent_span_id in ids for s in collector.spans)
    assert {seen.scope for seen in collector.spans} == {
        "opentelemetry.instrumentation.fastapi",
        "duet_common.observability.sql_spans",
    }
    assert collector.paths == {"/v1/traces"}
    assert collector.content_types == {"application/x-protobuf"}


async def test_an_unknown_path_of_a_service_has_no_name_of_its_own(
    duet: Duet, collector: Collector
) -> None:
    async with traced(duet, collector.url) as (_, client):
        await client.get("/api/v1/posts/a/b/c")

    assert "GET" in collector.servers


async def test_a_websocket_is_one_span(duet: Duet, collector: Collector) -> None:
    async with traced(duet, collector.url) as (own, client):
        token = (await register_user(client)).access_token
        address = f"{own.url.replace('http', 'ws', 1)}/ws/c1?token=IN-THE-QUERY"
        protocols = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{token}")]
        async with connect(address, subprotocols=protocols, proxy=None) as socket:
            await socket.recv()

    assert collector.servers["HTTP /ws/{client_id}"] == 1
    assert not leaked(collector, [token, "IN-THE-QUERY"])


async def test_no_secret_is_in_any_span(duet: Duet, collector: Collector) -> None:
    async with traced(duet, collector.url) as (_, client):
        registered_user = await register_user(client, email="jo@example.com")
        await client.post(
            "/api/v1/auth/register", json={"email": "jo@example.com", "password": PASSWORD}
        )
        await client.post(
            "/api/v1/auth/refresh", json={"refresh_token": registered_user.refresh_token}
        )
        await client.get(
            "/api/v1/users/me?token=IN-THE-QUERY",
            headers={**registered_user.headers, "Cookie": "session=IN-A-COOKIE"},
        )
        await client.get("/api/v1/posts?cursor=IN-THE-QUERY&q=IN-THE-QUERY")

    assert collector.server("GET /api/v1/users/me").attribute("url.query") == "REDACTED"
    assert collector.servers["POST /api/v1/auth/register"] == 2  # the second fails in PostgreSQL
    assert not leaked(
        collector,
        [
            registered_user.access_token,
            registered_user.refresh_token,
            PASSWORD,
            "IN-THE-QUERY",
            "IN-A-COOKIE",
        ],
    )
    assert not leaked(collector, ["jo@example.com"])  # as PostgreSQL's error quotes it


def leaked(collector: Collector, secrets: list[str]) -> list[str]:
    """Those of the secrets that are anywhere in what was sent."""
    sent = "".join(str(seen.span) for seen in collector.spans)
    assert sent
    return [secret for secret in secrets if secret in sent]


async def test_asyncpg_is_left_as_it_was(duet: Duet, collector: Collector) -> None:
    before = asyncpg.Connection.fetch
    async with traced(duet, collector.url):
        assert asyncpg.Connection.fetch is not before

    assert asyncpg.Connection.fetch is before


async def test_without_its_collector_a_service_serves_and_stops(
    duet: Duet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duet_common.observability.spans._LAST_EXPORT_SECONDS", 0.1)
    with collecting() as collector:
        gone = collector.url
    async with asyncio.timeout(8):  # the exporter would try for 10 s, each app's in turn
        async with traced(duet, gone) as (_, client):
            assert (await client.get("/api/v1/posts")).status_code == 200
