"""Two replicas of both services roll while people use them."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.cluster.cluster import NAMESPACE, SERVICES, Cluster, eventually
from tests.cluster.conftest import Say
from tests.cluster.load import Load, Talkers, drafts_of
from tests.support.users import RegisteredUser

_REQUESTS = 10_000
_EXITS = "--output=jsonpath={.metadata.name} {..terminated.exitCode}{'\\n'}"


@contextmanager
def watched_exits(cluster: Cluster, into: Path) -> Iterator[None]:
    """Write down with what code each container ends: a pod that is gone tells no more."""
    command = ["kubectl", f"--kubeconfig={cluster.kubeconfig}", f"-n={NAMESPACE}", "get", "pods",
               "--watch", _EXITS]  # fmt: skip
    with into.open("w") as file, subprocess.Popen(command, stdout=file) as watch:
        try:
            yield
        finally:
            watch.terminate()


@pytest.fixture(scope="module")
def two_replicas(extended: Cluster) -> Cluster:
    extended.upgrade("auth.replicas=2", "content.replicas=2")
    return extended


async def test_a_rolling_update_fails_no_request(
    two_replicas: Cluster, registered_user: RegisteredUser, say: Say, tmp_path: Path
) -> None:
    cluster = two_replicas
    before = {service: cluster.pods(service) for service in SERVICES}
    assert [len(pods) for pods in before.values()] == [2, 2]
    old = [pod for pods in before.values() for pod in pods]
    exits = tmp_path / "exits"
    load, talkers = Load(registered_user), Talkers(registered_user)
    with watched_exits(cluster, exits):
        async with talkers.running(), load.running():
            await load.reach(500)
            began = time.monotonic()
            await anyio.to_thread.run_sync(_roll, cluster, old)
            rolled = time.monotonic() - began
            await load.reach(max(_REQUESTS, load.requests + 500))
            seconds = time.monotonic() - began
            back = talkers.connected
        eventually("the exits of four pods", lambda: set(old) <= set(_codes(exits)), 30)
    codes = {pod: code for pod, code in _codes(exits).items() if pod in old}
    say(
        f"rolled in {rolled:.0f} s; {load.requests} requests ({load.slow} of three seconds) in "
        f"{seconds:.0f} s, {len(load.failed)} failed, longest {load.longest:.1f} s; "
        f"{len(load.acknowledged)} writes acknowledged; exit codes {sorted(codes.values())}; "
        f"WebSockets closed with {sorted(set(talkers.codes))}, {talkers.welcomed} welcomes"
    )
    assert not load.failed, (len(load.failed), load.failed[:10])
    assert load.requests >= _REQUESTS
    assert load.slow > 10
    lost = load.acknowledged - await drafts_of(registered_user)
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged writes are lost"
    assert 137 not in codes.values(), codes
    assert not talkers.refused, talkers.refused[:5]
    assert set(talkers.codes) == {1012}, talkers.codes
    assert back == 10


def _roll(cluster: Cluster, old: list[str]) -> None:
    """Both services at once, as an upgrade does; ends when the last old pod is gone."""
    deployments = [f"deployment/duet-{service}" for service in SERVICES]
    cluster.kubectl("rollout", "restart", *deployments)
    for deployment in deployments:
        cluster.kubectl("rollout", "status", deployment, "--timeout=180s")
    gone = [f"pod/{pod}" for pod in old]
    cluster.kubectl("wait", "--for=delete", *gone, "--timeout=120s")


def _codes(exits: Path) -> dict[str, int]:
    """Pod → the code with which its container ended."""
    lines = (line.split() for line in exits.read_text().splitlines())
    return {line[0]: int(line[-1]) for line in lines if len(line) > 1}
