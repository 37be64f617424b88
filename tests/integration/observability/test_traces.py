"""A request is one server span, named by its route, with its SQL as children and no secrets."""

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
from tests.support.trace_collector import Collector, running_collector
from tests.support.users import PASSWORD, RegisteredUser, register_user

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
POST = "/api/v1/posts/{post_id}"


@pytest.fixture(autouse=True)
def standard_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset variables of the environment that would change the spans, and enable header capture."""
    for name in ("SERVICE_NAME", "TRACES_SAMPLER", "EXPORTER_OTLP_HEADERS", "SDK_DISABLED"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    # Tokens must not be exported even if an operator enables header capture.
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", ".*")
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE", ".*")


@pytest.fixture
def collector() -> Iterator[Collector]:
    with running_collector() as collector:
        yield collector


@asynccontextmanager
async def traced(duet: Duet, url: str) -> AsyncIterator[tuple[Duet, httpx.AsyncClient]]:
    """Run two further services with tracing, and a client. At the end, all spans are exported."""
    settings = {"otel_exporter_otlp_endpoint": url}
    async with (
        running_duet(duet.urls, utc_now, auth=settings, content=settings) as traced_duet,
        httpx.AsyncClient(base_url=traced_duet.url) as client,
    ):
        yield traced_duet, client


async def publish_post(client: httpx.AsyncClient, author: RegisteredUser) -> str:
    """Publish a post and return its path."""
    created = await client.post("/api/v1/posts", json={"title": "Hello"}, headers=author.headers)
    path: str = created.headers["location"]
    await client.post(f"{path}/publish", headers=author.headers)
    return path


async def test_a_request_is_one_server_span_with_its_sql_as_child(
    duet: Duet, collector: Collector
) -> None:
    async with traced(duet, collector.url) as (_, client):
        path = await publish_post(client, await register_user(client))
        parent = f"00-{TRACE}-{PARENT}-01"
        response = await client.get(path, headers={"traceparent": parent})
    assert response.status_code == 200

    served = collector.server_span(f"GET {POST}")
    assert served.service == "duet-content"
    assert served.attribute("http.route") == POST
    assert served.span.trace_id.hex() == TRACE
    assert served.span.parent_span_id.hex() == PARENT
    (sql,) = collector.children(served)
    assert sql.service == "duet-content"
    assert sql.span.trace_id.hex() == TRACE
    assert sql.attribute("db.query.text").startswith("SELECT posts.id")
    assert sql.attribute("db.namespace") == "duet_content"


async def test_orm_and_read_only_pool_statements_are_traced_once(
    duet: Duet, collector: Collector
) -> None:
    async with traced(duet, collector.url) as (_, client):
        await register_user(client)

    registered = collector.children(collector.server_span("POST /api/v1/auth/register"))
    # The user, the event, and its notification.
    statements = ["INSERT", "INSERT", "SELECT"]
    assert [seen.span.name for seen in registered] == ["BEGIN;", *statements, "COMMIT;"]
    assert {seen.service for seen in registered} == {"duet-auth"}
    read, *_ = collector.children(collector.server_span("POST /api/v1/auth/login"))
    assert read.attribute("db.query.text").startswith("SELECT users.id")


async def test_only_requests_and_their_sql_are_traced(duet: Duet, collector: Collector) -> None:
    async with traced(duet, collector.url) as (own, client):
        await publish_post(client, await register_user(client))
        await client.get("/nothing/here")
        await client.get("/api/v1/posts/livez")
        for app in (own.auth, own.content):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://pod") as pod:
                for path in ("/livez", "/readyz", "/metrics"):
                    assert (await pod.get(path)).status_code == 200
        # A background task must not be traced either.
        await own.auth.runtime.ring.refresh()

    assert collector.server_span_counts == {
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


async def test_the_span_of_an_unknown_path_is_named_by_its_method(
    duet: Duet, collector: Collector
) -> None:
    async with traced(duet, collector.url) as (_, client):
        await client.get("/api/v1/posts/a/b/c")

    assert "GET" in collector.server_span_counts


async def test_a_websocket_is_one_server_span(duet: Duet, collector: Collector) -> None:
    async with traced(duet, collector.url) as (own, client):
        token = (await register_user(client)).access_token
        address = f"{own.url.replace('http', 'ws', 1)}/ws/c1?token=IN-THE-QUERY"
        protocols = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{token}")]
        async with connect(address, subprotocols=protocols, proxy=None) as socket:
            await socket.recv()

    assert collector.server_span_counts["HTTP /ws/{client_id}"] == 1
    assert not leaked_secrets(collector, [token, "IN-THE-QUERY"])


async def test_no_span_contains_a_secret(duet: Duet, collector: Collector) -> None:
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

    assert collector.server_span("GET /api/v1/users/me").attribute("url.query") == "REDACTED"
    # The second registration violates a constraint.
    assert collector.server_span_counts["POST /api/v1/auth/register"] == 2
    assert not leaked_secrets(
        collector,
        [
            registered_user.access_token,
            registered_user.refresh_token,
            PASSWORD,
            "IN-THE-QUERY",
            "IN-A-COOKIE",
        ],
    )
    # PostgreSQL's error message contains the email.
    assert not leaked_secrets(collector, ["jo@example.com"])


def leaked_secrets(collector: Collector, secrets: list[str]) -> list[str]:
    """Return the secrets that occur in any exported span."""
    sent = "".join(str(seen.span) for seen in collector.spans)
    assert sent
    return [secret for secret in secrets if secret in sent]


async def test_asyncpg_is_instrumented_only_while_the_services_run(
    duet: Duet, collector: Collector
) -> None:
    before = asyncpg.Connection.fetch
    async with traced(duet, collector.url):
        assert asyncpg.Connection.fetch is not before

    assert asyncpg.Connection.fetch is before


async def test_a_service_serves_and_stops_without_its_collector(
    duet: Duet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duet_common.observability.spans._LAST_EXPORT_SECONDS", 0.1)
    with running_collector() as collector:
        stopped_url = collector.url
    async with asyncio.timeout(8):  # by default each app's exporter retries for 10 s
        async with traced(duet, stopped_url) as (_, client):
            assert (await client.get("/api/v1/posts")).status_code == 200
