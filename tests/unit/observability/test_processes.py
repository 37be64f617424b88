"""Imports without tracing and metrics of several workers, each in a new process."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.metrics import Scrape

_IDLE = """
import sys
from pydantic import SecretStr
from duet_content.main import create_app
from duet_content.settings import ContentSettings

create_app(ContentSettings(CONTENT_DATABASE_URL=SecretStr("postgresql://nobody@nowhere/none")))
for name in ("opentelemetry.sdk", "opentelemetry.instrumentation", "opentelemetry.exporter"):
    assert name not in sys.modules, name
from opentelemetry import trace
assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"
"""

_WORKER = """
import asyncio, sys
import httpx
from fastapi import FastAPI
from duet_common.observability.metrics import Metrics

async def work() -> None:
    app, metrics = FastAPI(), Metrics("test", "1")
    app.add_api_route("/things/{thing_id}", lambda thing_id: thing_id)
    metrics.install(app)
    metrics.watch("duet_test_things", "Things", lambda: {(): 10})
    transport = httpx.ASGITransport(app)
    async with metrics.running(), httpx.AsyncClient(transport=transport, base_url="http://x") as c:
        for number in range(int(sys.argv[1])):
            await c.get(f"/things/{number}")
        print((await c.get("/metrics")).text)

asyncio.run(work())
"""


def run(script: str, *arguments: str, **variables: str) -> str:
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PROMETHEUS_"))
    }
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_the_opentelemetry_sdk_is_not_loaded_without_an_exporter() -> None:
    run(_IDLE)


def test_a_scrape_sums_the_metrics_of_all_workers(tmp_path: Path) -> None:
    run(_WORKER, "2", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    scraped = Scrape.parse(run(_WORKER, "3", PROMETHEUS_MULTIPROC_DIR=str(tmp_path)))

    assert scraped.value("http_requests_total", handler="/things/{thing_id}") == 5
    assert scraped.value("http_request_duration_seconds_count", handler="/things/{thing_id}") == 5
    assert scraped.value("duet_test_things") == 20
    assert scraped.value("duet_build_info", service="test") == 1
