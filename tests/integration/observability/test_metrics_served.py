"""The metrics of both services, scraped while the services run under real uvicorn."""

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import httpx
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from duet_auth.main import create_app
from duet_common.db.database import Database, DatabaseOptions
from duet_common.testing.clock import AdjustableClock
from tests.support.documentation import documented_names
from tests.support.metrics import scrape
from tests.support.running_duet import Duet, auth_settings
from tests.support.users import RegisteredUser

COUNT = "http_requests_total"


async def test_requests_are_counted_by_route_template(
    duet: Duet, authenticated_client: httpx.AsyncClient
) -> None:
    post = {"method": "GET", "handler": "/api/v1/posts/{post_id}"}
    me = {"method": "GET", "handler": "/api/v1/users/me"}
    observed = "http_request_duration_seconds_count"
    content, auth = await scrape(duet.content), await scrape(duet.auth)
    for number in range(3):
        await authenticated_client.get(f"/api/v1/posts/{UUID(int=number)}")
    await authenticated_client.get("/api/v1/users/me")
    content_after, auth_after = await scrape(duet.content), await scrape(duet.auth)

    missing = {**post, "status": "404"}
    assert content_after.value(COUNT, **missing) == 3 + content.value(COUNT, **missing)
    assert content_after.value(observed, **post) == 3 + content.value(observed, **post)
    assert auth_after.value(observed, **me) == 1 + auth.value(observed, **me)
    assert content_after.value(observed, **me) == 0  # this path belongs to the other service


async def test_unknown_paths_share_one_series(duet: Duet, client: httpx.AsyncClient) -> None:
    await client.get("/api/v1/posts/one/unknown")
    before = await scrape(duet.content)
    for number in range(20):
        await client.get(f"/api/v1/posts/{number}/unknown")
    after = await scrape(duet.content)

    assert after.labels(COUNT) == before.labels(COUNT)
    unknown = {"handler": "none", "method": "GET", "status": "404"}
    assert after.value(COUNT, **unknown) == 20 + before.value(COUNT, **unknown)


async def test_open_websockets_are_counted(
    duet: Duet, registered_user: RegisteredUser, client: httpx.AsyncClient
) -> None:
    before = (await scrape(duet.content)).labels(COUNT)
    protocols = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{registered_user.access_token}")]
    address = f"{duet.url.replace('http', 'ws', 1)}/ws/c1"
    async with connect(address, subprotocols=protocols, proxy=None) as socket:
        await socket.recv()
        shown = await scrape(duet.content)
        assert shown.value("duet_websocket_connections") == 1
    async with asyncio.timeout(5):  # the server notices the close later
        while (shown := await scrape(duet.content)).value("duet_websocket_connections"):
            await client.get("/api/v1/users/me")

    assert shown.labels(COUNT) == before
    assert (await scrape(duet.auth)).labels("duet_websocket_connections") == []


async def test_pool_usage_counts_idle_and_used_connections(duet: Duet) -> None:
    settings = auth_settings(duet.urls.auth)
    database = Database(duet.urls.auth, DatabaseOptions.of(settings, "test"))
    try:
        assert (database.pools["write"].in_use, database.pools["read"].in_use) == (0, 0)
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
            await database.read_only_pool.fetch_value("SELECT 1", int)
            write, read = database.pools["write"], database.pools["read"]
        assert (write.idle, write.in_use, write.max_size) == (0, 1, 15)
        assert (read.idle, read.in_use, read.max_size) == (1, 0, 5)
        assert (database.pools["write"].idle, database.pools["write"].in_use) == (1, 0)
    finally:
        await database.close()


async def test_both_services_expose_pool_and_build_metrics(duet: Duet) -> None:
    for app, service in ((duet.auth, "duet-auth"), (duet.content, "duet-content")):
        shown = await scrape(app)
        assert [x["service"] for x in shown.labels("duet_build_info")] == [service]
        assert shown.labels("duet_db_pool_connections") == [
            {"pool": pool, "state": state}
            for pool in ("read", "write")
            for state in ("idle", "in_use")
        ]


async def test_every_metric_of_duet_is_documented(duet: Duet, client: httpx.AsyncClient) -> None:
    await client.get("/api/v1/users/me")
    await client.get("/api/v1/posts")
    shown = {
        re.sub("_(bucket|sum|count)$", "", sample.name)
        for app in (duet.auth, duet.content)
        for sample in (await scrape(app)).samples
        if not re.match("process_|python_|.*_created$", sample.name)
    }

    assert shown == documented_names("metrics")


async def test_the_age_of_the_signing_key_increases_with_the_clock(
    duet: Duet, clock: AdjustableClock
) -> None:
    name = "duet_signing_key_age_seconds"
    before = (await scrape(duet.auth)).value(name)
    clock.advance(timedelta(days=40))
    after = (await scrape(duet.auth)).value(name)

    assert 0 < before < 40 * 86400 < after


async def test_metrics_are_not_routed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 404


async def test_scrapes_are_exempt_from_rate_limits(duet: Duet) -> None:
    app = create_app(auth_settings(duet.urls.auth, rate_limit_enabled=True, rate_limit_address=1))
    async with app.router.lifespan_context(app):
        for _ in range(5):
            await scrape(app)
