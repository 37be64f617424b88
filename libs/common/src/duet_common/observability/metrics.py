"""The metrics that one app exposes to Prometheus at `/metrics`.

With `PROMETHEUS_MULTIPROC_DIR` (gunicorn with several workers), the workers share their counts
through files in that folder, which `duet_common.web.gunicorn` creates. The metrics of a process
(memory, CPU, garbage collection) are then left out, because they would describe a random worker.
"""

import os
import platform
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import chain, repeat
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
from duet_common.paths import METRICS_PATH, PROBE_PATHS
from duet_common.periodic import PeriodicTask

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REFRESH_SECONDS: Final = 5.0

Values = Mapping[tuple[str, ...], float]
"""A value per combination of label values; the key is `()` for a gauge without labels."""


class Metrics:
    """One app's metrics, in a registry of its own: the standalone server runs two apps."""

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
            "Labels describe the running service; the value is always 1",
            lambda: {labels: 1},
            labels=("service", "version", "python"),
            across="max",
        )

    def install(self, app: FastAPI) -> None:
        """Measure the app's requests and add `/metrics`. Call this before the app starts."""
        app.add_api_route(METRICS_PATH, self._scrape, include_in_schema=False)
        # Its default metrics are not used: six more time series per route, 10 µs per request.
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
        """Add a gauge that is read at each scrape; `across` combines the values of workers."""
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
        """Add gauges for the connections of the database's pools, and their maximum."""
        self.watch(
            "duet_db_pool_connections",
            "Open connections to the database, by pool and state",
            lambda: {
                (pool, state): connections
                for pool, use in read().items()
                for state, connections in (("idle", use.idle), ("in_use", use.in_use))
            },
            labels=("pool", "state"),
        )
        self.watch(
            "duet_db_pool_connections_max",
            "Maximum number of connections that the pool opens",
            lambda: {(pool,): use.max_size for pool, use in read().items()},
            labels=("pool",),
        )

    def count_websockets(self, app: FastAPI) -> None:
        """Add `duet_websocket_connections`. Call this before the app starts."""
        gauge = Gauge(
            "duet_websocket_connections",
            "Open WebSockets, including those that have not authenticated yet",
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
        delays = chain([0.0], repeat(_REFRESH_SECONDS))
        task = PeriodicTask("gauges", self._refresh, lambda: next(delays))
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
    """Counts connections, not frames: a wrapper around `send` would slow down every delivery."""

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
    """Count and time requests by route template, which is `none` for an unknown path."""
    requests = Counter(
        "http_requests",
        "Number of requests that were answered",
        ("method", "handler", "status"),
        registry=registry,
    )
    durations = Histogram(
        "http_request_duration_seconds",
        "Time until the last byte of the response was passed to the server",
        ("method", "handler"),
        buckets=_SECONDS,
        registry=registry,
    )
    # Finding a labelled metric costs more than incrementing it. There are few of them.
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
