"""Fixtures of the cluster suite. All tests share one cluster. A failed test keeps its logs."""

import os
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster.cluster import (
    CHART,
    ORIGIN,
    POD_NETWORK,
    RELEASE,
    SERVICES,
    Cluster,
    delete_cluster,
    make_cluster,
    missing_programs,
    wait_until_served,
)
from tests.support.required_programs import skip_or_fail_in_ci
from tests.support.users import RegisteredUser, register_user

_CLUSTER = pytest.StashKey[Cluster]()
_FIGURES = pytest.StashKey[list[str]]()
_HERE = Path(__file__).parent
_TEST_TIMEOUT_SECONDS = 480
RecordFigure = Callable[[str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(_TEST_TIMEOUT_SECONDS), append=False)


@pytest.fixture
def record_figure(request: pytest.FixtureRequest) -> RecordFigure:
    """A function that records a measurement, which is printed at the end of the run."""

    def record(figure: str) -> None:
        figures = request.config.stash.setdefault(_FIGURES, [])
        figures.append(f"{request.node.name}: {figure}")

    return record


@pytest.fixture(scope="session")
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """The cluster with Duet's images, but without an installation of Duet."""
    missing = missing_programs()
    if missing:
        skip_or_fail_in_ci(f"the cluster suite needs these programs: {', '.join(missing)}")
    try:
        cluster = make_cluster(tmp_path_factory.mktemp("cluster") / "kubeconfig")
        request.config.stash[_CLUSTER] = cluster
        yield cluster
    finally:
        if os.environ.get("DUET_KEEP_CLUSTER") != "1":
            delete_cluster()


@pytest.fixture(scope="session")
def duet(cluster: Cluster, request: pytest.FixtureRequest) -> Cluster:
    """The cluster with Duet, installed with `helm install` and without values."""
    start = time.monotonic()
    if RELEASE in cluster.helm("list", "--short").split():
        cluster.helm("uninstall", RELEASE, "--wait")
    cluster.helm("install", RELEASE, str(CHART), "--wait", "--timeout=5m")
    for path in ("/.well-known/jwks.json", "/api/v1/posts"):
        wait_until_served(f"{ORIGIN}{path}")
    figures = request.config.stash.setdefault(_FIGURES, [])
    figures.append(f"helm install --wait until served: {time.monotonic() - start:.0f} s")
    return cluster


@pytest.fixture(scope="session")
def extended(duet: Cluster) -> Cluster:
    """Duet with an HTTPRoute, tracing, and the ingress controller as a trusted proxy.

    It has no rate limits, because tests put a load on it.
    """
    old = [f"pod/{pod}" for service in SERVICES for pod in duet.pods(service)]
    duet.upgrade(
        "global.duet.rateLimits=false",
        f"global.duet.trustedProxies[0]={POD_NETWORK}",
        "httpRoute.enabled=true",
        "httpRoute.parentRefs[0].name=traefik",
        "httpRoute.parentRefs[0].namespace=traefik",
        "global.duet.tracing.endpoint=http://collector.monitoring:4318",
    )
    # Terminating pods still serve requests, but send no traces.
    duet.kubectl("wait", "--for=delete", *old, "--timeout=60s")
    return duet


@pytest.fixture
async def client(duet: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends its requests through the ingress."""
    async with httpx.AsyncClient(base_url=ORIGIN, timeout=30) as client:
        yield client


@pytest.fixture
async def registered_user(client: httpx.AsyncClient) -> RegisteredUser:
    """A registered and logged in user, with a new address in case the cluster was kept."""
    return await register_user(client, email=f"{uuid.uuid4()}@example.com")  # noqa: TID251


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    cluster = item.config.stash.get(_CLUSTER, None)
    if report.failed and cluster is not None and item.path.is_relative_to(_HERE):
        folder = Path(tempfile.mkdtemp(prefix=f"duet-{item.name[:40]}-"))
        cluster.keep_logs(folder)
        report.sections.append(
            ("cluster", f"Logs, events and descriptions were written to {folder}.")
        )
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = terminalreporter.config.stash.get(_FIGURES, [])
    if figures:
        terminalreporter.section("measurements of the cluster suite")
    for figure in figures:
        terminalreporter.line(figure)
