"""Each app has its own metrics, labelled with route templates, so their number is bounded."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from starlette.types import Message

from duet_common.db.queries import PoolUsage
from duet_common.observability.metrics import Metrics
from tests.support.metrics import scrape

things = APIRouter(prefix="/things")


@things.get("/{thing_id}")
async def thing(thing_id: int) -> Response:
    return Response(status_code=thing_id)


def create_app(metrics: Metrics) -> FastAPI:
    app = FastAPI()
    app.include_router(things, prefix="/api")
    app.add_api_route("/livez", lambda: Response())
    metrics.install(app)
    return app


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("test", "1.2.3")


@pytest.fixture
def app(metrics: Metrics) -> FastAPI:
    return create_app(metrics)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pod") as c:
        yield c


async def test_requests_are_counted_per_route_template_and_status(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for status in (200, 201, 201, 503):
        await client.get(f"/api/things/{status}?secret=1")
    scraped = await scrape(app)

    template = {"method": "GET", "handler": "/api/things/{thing_id}"}
    assert scraped.value("http_requests_total", status="201", **template) == 2
    assert scraped.value("http_requests_total", status="503", **template) == 1
    assert scraped.value("http_request_duration_seconds_count", **template) == 4
    assert scraped.value("http_request_duration_seconds_bucket", le="10.0", **template) == 4


async def test_unknown_paths_and_methods_do_not_create_series(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for number in range(30):
        await client.get(f"/nothing/{number}")
        await client.request(f"M{number}", "/nothing")
        await client.request(f"M{number}", f"/api/things/{number}")
    scraped = await scrape(app)

    assert scraped.labels("http_requests_total") == [
        {"handler": "/api/things/{thing_id}", "method": "OTHER", "status": "405"},
        {"handler": "none", "method": "GET", "status": "404"},
        {"handler": "none", "method": "OTHER", "status": "404"},
    ]


async def test_probes_and_scrapes_are_not_measured(app: FastAPI, client: httpx.AsyncClient) -> None:
    await client.get("/livez")
    await scrape(app)

    assert (await scrape(app)).labels("http_requests_total") == []


async def test_two_apps_in_one_process_have_separate_metrics(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    other = create_app(Metrics("other", "4"))
    await client.get("/api/things/200")

    assert (await scrape(other)).labels("http_requests_total") == []
    assert (await scrape(app)).labels("duet_build_info")[0]["service"] == "test"
    assert (await scrape(other)).labels("duet_build_info")[0]["service"] == "other"


async def test_the_metrics_describe_the_process_and_the_build(app: FastAPI) -> None:
    scraped = await scrape(app)

    assert scraped.value("process_resident_memory_bytes") > 0
    assert scraped.value("python_gc_collections_total", generation="0") >= 0
    assert scraped.labels("duet_build_info")[0].keys() == {"service", "version", "python"}


async def test_a_watched_value_is_read_at_each_scrape(app: FastAPI, metrics: Metrics) -> None:
    values = iter((7, 8))
    metrics.watch("duet_test_things", "Things", lambda: {(): next(values)})

    assert [(await scrape(app)).value("duet_test_things") for _ in range(2)] == [7, 8]


async def test_pool_connections_are_reported_per_state(app: FastAPI, metrics: Metrics) -> None:
    metrics.watch_pools(lambda: {"write": PoolUsage(1, 2, 15), "read": PoolUsage(3, 4, 5)})
    scraped = await scrape(app)

    assert scraped.value("duet_db_pool_connections", pool="write", state="in_use") == 2
    assert scraped.value("duet_db_pool_connections", pool="read", state="idle") == 3
    assert scraped.value("duet_db_pool_connections_max", pool="write") == 15


async def test_openmetrics_is_returned_to_clients_that_accept_it(client: httpx.AsyncClient) -> None:
    openmetrics_type = "application/openmetrics-text; version=1.0.0"
    plain = await client.get("/metrics")
    openmetrics = await client.get("/metrics", headers={"Accept": openmetrics_type})

    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert openmetrics.headers["content-type"].startswith(openmetrics_type)
    assert openmetrics.text.endswith("# EOF\n")


async def test_a_websocket_is_counted_while_it_is_open(app: FastAPI, metrics: Metrics) -> None:
    metrics.count_websockets(app)
    opened, close = asyncio.Event(), asyncio.Event()

    @app.websocket("/ws")
    async def socket() -> None:
        opened.set()
        await close.wait()
        raise ConnectionError("the client has disconnected")

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        pass

    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b""}
    serving = asyncio.create_task(app(scope, receive, send))
    await opened.wait()
    assert (await scrape(app)).value("duet_websocket_connections") == 1
    close.set()
    with pytest.raises(ConnectionError):
        await serving
    assert (await scrape(app)).value("duet_websocket_connections") == 0
    assert (await scrape(app)).labels("http_requests_total") == []
