"""Test of a rolling update of both services, with two replicas each, under load."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.cluster.cluster import NAMESPACE, SERVICES, Cluster, eventually
from tests.cluster.conftest import RecordFigure
from tests.cluster.load import Load, WebSocketClients, drafts_of
from tests.support.users import RegisteredUser

_REQUESTS = 10_000
_EXIT_CODES = "--output=jsonpath={.metadata.name} {..terminated.exitCode}{'\\n'}"


@contextmanager
def watched_exits(cluster: Cluster, into: Path) -> Iterator[None]:
    """Write the exit code of each container to a file, because a deleted pod no longer has it."""
    command = ["kubectl", f"--kubeconfig={cluster.kubeconfig}", f"-n={NAMESPACE}", "get", "pods",
               "--watch", _EXIT_CODES]  # fmt: skip
    with into.open("w") as file, subprocess.Popen(command, stdout=file) as watch:
        try:
            yield
        finally:
            watch.terminate()


@pytest.fixture(scope="module")
def two_replicas(extended: Cluster) -> Cluster:
    """Duet with two replicas of each service."""
    extended.upgrade("auth.replicas=2", "content.replicas=2")
    return extended


async def test_a_rolling_update_fails_no_request(
    two_replicas: Cluster,
    registered_user: RegisteredUser,
    record_figure: RecordFigure,
    tmp_path: Path,
) -> None:
    cluster = two_replicas
    before = {service: cluster.pods(service) for service in SERVICES}
    assert [len(pods) for pods in before.values()] == [2, 2]
    old = [pod for pods in before.values() for pod in pods]
    exits = tmp_path / "exits"
    load, clients = Load(registered_user), WebSocketClients(registered_user)
    with watched_exits(cluster, exits):
        async with clients.running(), load.running():
            await load.reach(500)
            start = time.monotonic()
            await anyio.to_thread.run_sync(_roll, cluster, old)
            rolled = time.monotonic() - start
            await load.reach(max(_REQUESTS, load.requests + 500))
            seconds = time.monotonic() - start
            connected = clients.connected
        eventually("the exit codes of four pods", lambda: set(old) <= set(_codes(exits)), 30)
    codes = {pod: code for pod, code in _codes(exits).items() if pod in old}
    record_figure(
        f"rolling update in {rolled:.0f} s; {load.requests} requests in {seconds:.0f} s "
        f"({load.slow} with slow bodies), {len(load.failed)} failed, "
        f"maximum {load.max_seconds:.1f} s; {len(load.acknowledged)} writes acknowledged; "
        f"exit codes {sorted(codes.values())}; "
        f"WebSockets closed with {sorted(set(clients.close_codes))}, {clients.welcomed} welcomes"
    )
    assert not load.failed, (len(load.failed), load.failed[:10])
    assert load.requests >= _REQUESTS
    assert load.slow > 10
    lost = load.acknowledged - await drafts_of(registered_user)
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged writes are lost"
    assert 137 not in codes.values(), codes
    assert not clients.errors, clients.errors[:5]
    assert set(clients.close_codes) == {1012}, clients.close_codes
    assert connected == 10


def _roll(cluster: Cluster, old: list[str]) -> None:
    """Restart both services at once, as an upgrade does, and wait until the old pods are gone."""
    deployments = [f"deployment/duet-{service}" for service in SERVICES]
    cluster.kubectl("rollout", "restart", *deployments)
    for deployment in deployments:
        cluster.kubectl("rollout", "status", deployment, "--timeout=180s")
    gone = [f"pod/{pod}" for pod in old]
    cluster.kubectl("wait", "--for=delete", *gone, "--timeout=120s")


def _codes(exits: Path) -> dict[str, int]:
    """Return the exit code of each pod's container."""
    lines = (line.split() for line in exits.read_text().splitlines())
    return {line[0]: int(line[-1]) for line in lines if len(line) > 1}
