"""Metrics: what one app shows Prometheus at `/metrics`.

With `PROMETHEUS_MULTIPROC_DIR` (gunicorn with several workers) the workers share their counts
through files in that folder, which `duet_common.web.gunicorn` makes. The metrics of a process
(memory, CPU, garbage collection) are missing then: they would be those of a random worker.
"""

import os
import platform
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal

from fastapi import FastAPI, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_fastapi_instrumentator import Instrumentator
from prometheus_fastapi_instrumentator.metrics import Info
from starlette.types import ASGIApp, Receive, Scope, Send

from duet_common.db.queries import PoolUsage
from duet_common.paths import PROBE_PATHS
from duet_common.periodic import PeriodicTask

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REFRESH_SECONDS: Final = 5.0

Values = Mapping[tuple[str, ...], float]
"""A value for each combination of labels; `()` for a gauge without labels."""


class Metrics:
    """A registry of its own for each app: the standalone server runs two apps in one process."""

    def __init__(self, service: str, version: str) -> None:
        self.registry = CollectorRegistry()
        self._is_shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        self._gauges: list[Callable[[], None]] = []
        if not self._is_shared:
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)
        labels = (service, version, platform.python_version())
        self.watch(
            "duet_build_info",
            "What is running; always 1",
            lambda: {labels: 1},
            labels=("service", "version", "python"),
            across="max",
        )

    def install(self, app: FastAPI) -> None:
        """Measure the app's requests and add `/metrics`. Before the app is started."""
        app.add_api_route("/metrics", self._scrape, include_in_schema=False)
        # Of its defaults nothing is kept: six time series a route more, and 10 µs a request.
        instrumentator = Instrumentator(
            should_group_status_codes=False,
            excluded_handlers=[f"^({'|'.join(sorted(PROBE_PATHS))})$"],
            registry=self.registry,
        )
        instrumentator.add(_request_metrics(self.registry)).instrument(app)

    def watch(
        self,
        name: str,
        meaning: str,
        read: Callable[[], Values],
        *,
        labels: tuple[str, ...] = (),
        across: Literal["sum", "max"] = "sum",
    ) -> None:
        """A gauge that is read at each scrape; `across` is what several processes make of it."""
        gauge = Gauge(
            name,
            meaning,
            labels,
            registry=self.registry,
            multiprocess_mode="livesum" if across == "sum" else "livemax",
        )

        def refresh() -> None:
            for values, value in read().items():
                (gauge.labels(*values) if labels else gauge).set(value)

        self._gauges.append(refresh)

    def watch_pools(self, read: Callable[[], Mapping[str, PoolUsage]]) -> None:
        """Add the use of the database's pools, and the most connections that each may open."""
        self.watch(
            "duet_db_pool_connections",
            "Open connections to the database",
            lambda: {
                (pool, state): connections
                for pool, use in read().items()
                for state, connections in (("idle", use.idle), ("in_use", use.in_use))
            },
            labels=("pool", "state"),
        )
        self.watch(
            "duet_db_pool_connections_max",
            "The most connections that the pool opens",
            lambda: {(pool,): use.max_size for pool, use in read().items()},
            labels=("pool",),
        )

    def count_websockets(self, app: FastAPI) -> None:
        """Add `duet_websocket_connections`. Before the app is started."""
        gauge = Gauge(
            "duet_websocket_connections",
            "Open WebSockets, those that have not authenticated yet included",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        app.add_middleware(_OpenWebSockets, gauge=gauge)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the gauges fresh while the app runs, if several workers share `/metrics`.

        A scrape reaches one worker, which cannot read the gauges of the others.
        """
        if not self._is_shared:
            yield
            return
        await self._refresh()
        task = PeriodicTask("gauges", self._refresh, lambda: _REFRESH_SECONDS)
        task.start()
        try:
            yield
        finally:
            await task.stop()

    def refresh(self) -> None:
        """Read every gauge now."""
        for refresh in self._gauges:
            refresh()

    async def _refresh(self) -> None:
        self.refresh()

    async def _scrape(self, request: Request) -> Response:
        self.refresh()
        registry = self.registry
        if self._is_shared:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped in the client
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})


class _OpenWebSockets:
    """Counts connections, not frames: a wrapper around `send` would cost every delivery."""

    def __init__(self, app: ASGIApp, gauge: Gauge) -> None:
        self.app = app
        self._gauge = gauge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        with self._gauge.track_inprogress():
            await self.app(scope, receive, send)


def _request_metrics(registry: CollectorRegistry) -> Callable[[Info], None]:
    """Rate, errors and duration by route template; the template of an unknown path is `none`."""
    requests = Counter(
        "http_requests",
        "Requests answered",
        ("method", "handler", "status"),
        registry=registry,
    )
    durations = Histogram(
        "http_request_duration_seconds",
        "Time until the last byte of the answer was handed to the server",
        ("method", "handler"),
        buckets=_SECONDS,
        registry=registry,
    )
    # Looking a labelled metric up costs more than counting. There are few of them.
    known: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def record(info: Info) -> None:
        method = info.method if info.method in _METHODS else "OTHER"
        key = (method, info.modified_handler, info.modified_status)
        pair = known.get(key)
        if pair is None:
            pair = requests.labels(*key), durations.labels(*key[:2])
            known[key] = pair
        pair[0].inc()
        pair[1].observe(info.modified_duration)

    return record
