"""Tests of what keeps working while a component is down, and of its data after recovery."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Final

import anyio
import anyio.to_thread
import httpx
import pytest

from tests.cluster.cluster import ORIGIN, Cluster, wait_until_served
from tests.cluster.conftest import RecordFigure
from tests.cluster.load import drafts_of
from tests.support.users import RegisteredUser

_MAX_RECOVERY_SECONDS = 60.0


@pytest.fixture
async def without_auth(duet: Cluster, registered_user: RegisteredUser) -> AsyncIterator[Cluster]:
    """The cluster with auth scaled to zero, after a user has logged in."""
    replicas = duet.get("deployment/duet-auth")["spec"]["replicas"]
    pods = [f"pod/{pod}" for pod in duet.pods("auth")]
    duet.kubectl("scale", "deployment/duet-auth", "--replicas=0")
    duet.kubectl("wait", "--for=delete", *pods, "--timeout=90s")
    yield duet
    duet.kubectl("scale", "deployment/duet-auth", f"--replicas={replicas}")
    duet.kubectl("rollout", "status", "deployment/duet-auth", "--timeout=120s")
    wait_until_served(f"{ORIGIN}/.well-known/jwks.json")


async def test_content_verifies_tokens_and_restarts_without_auth(
    without_auth: Cluster,
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    record_figure: RecordFigure,
) -> None:
    """Content stores auth's public keys in its own database, so new pods work without auth."""
    unavailable = await client.get("/api/v1/users/me", headers=registered_user.headers)
    assert unavailable.status_code == 503, unavailable.text
    draft = {"title": "Without auth"}
    first = await client.post("/api/v1/posts", headers=registered_user.headers, json=draft)
    assert first.status_code == 201, first.text

    start = time.monotonic()
    old = [f"pod/{pod}" for pod in without_auth.pods("content")]
    without_auth.kubectl("rollout", "restart", "deployment/duet-content")
    without_auth.kubectl("rollout", "status", "deployment/duet-content", "--timeout=120s")
    without_auth.kubectl("wait", "--for=delete", *old, "--timeout=90s")
    seconds = time.monotonic() - start
    second = await client.post("/api/v1/posts", headers=registered_user.headers, json=draft)
    assert second.status_code == 201, second.text
    forged = {"Authorization": f"Bearer {registered_user.access_token[:-8]}AAAAAAAA"}
    assert (await client.get("/api/v1/profiles/me", headers=forged)).status_code == 401
    record_figure(f"content was restarted in {seconds:.0f} s without auth")


@pytest.mark.parametrize("how", ["restarted", "killed"])
async def test_an_outage_of_postgres_loses_no_acknowledged_write(
    extended: Cluster,
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    record_figure: RecordFigure,
    how: str,
) -> None:
    """No service restarts either, because liveness does not depend on the database."""
    writers = _Writers(client, registered_user)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(writers.write())
        try:
            await writers.reach(30)
            await anyio.to_thread.run_sync(_STOP_POSTGRES[how], extended)
            await writers.reach(len(writers.acknowledged) + 30)
        finally:
            writers.stopping = True
    times = sorted(writers.acknowledged.values())
    gap = max(later - earlier for earlier, later in pairwise(times))
    lost = set(writers.acknowledged) - await drafts_of(registered_user)
    record_figure(
        f"no acknowledged write for {gap:.1f} s; {len(times)} writes acknowledged, {len(lost)} "
        f"lost, {len(writers.refused)} refused with {sorted(set(writers.refused))}"
    )
    assert not lost
    assert set(writers.refused) <= {"503"}, writers.refused[:10]
    extended.kubectl("wait", "--for=condition=Available", "deployment", "--all", "--timeout=60s")
    assert not any(_restarts(extended).values())


class _Writers:
    """Tasks that write continuously and record when each write was acknowledged."""

    def __init__(self, client: httpx.AsyncClient, registered_user: RegisteredUser) -> None:
        self.acknowledged: dict[str, float] = {}
        self.refused: list[str] = []
        self.stopping = False
        self._client = client
        self._headers = registered_user.headers
        self._wrote = asyncio.Condition()

    async def write(self) -> None:
        while not self.stopping:
            try:
                response = await self._client.post(
                    "/api/v1/posts", headers=self._headers, json={"title": "Kept"}
                )
            except httpx.HTTPError as error:
                self.refused.append(repr(error))
                continue
            if response.status_code != 201:
                self.refused.append(str(response.status_code))
                await asyncio.sleep(0.1)  # back off before the next attempt
                continue
            self.acknowledged[response.json()["id"]] = time.monotonic()
            async with self._wrote:
                self._wrote.notify_all()

    async def reach(self, number: int) -> None:
        """Wait until this number of writes has been acknowledged."""
        async with asyncio.timeout(_MAX_RECOVERY_SECONDS), self._wrote:
            await self._wrote.wait_for(lambda: len(self.acknowledged) >= number)


def _restarts(cluster: Cluster) -> dict[str, int]:
    pods = cluster.get("pods", "-l=app.kubernetes.io/component in (auth,content)")["items"]
    return {
        pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"]
        for pod in pods
    }


def _restart_postgres(cluster: Cluster) -> None:
    cluster.kubectl("rollout", "restart", "statefulset/duet-postgres")
    cluster.kubectl("rollout", "status", "statefulset/duet-postgres", "--timeout=120s")


def _kill_postgres(cluster: Cluster) -> None:
    """Kill the pod without a grace period, and wait until its replacement is ready."""
    old = cluster.get("pod/duet-postgres-0")["metadata"]["uid"]
    cluster.kubectl("delete", "pod/duet-postgres-0", "--grace-period=0", "--force")
    cluster.kubectl("rollout", "status", "statefulset/duet-postgres", "--timeout=120s")
    assert cluster.get("pod/duet-postgres-0")["metadata"]["uid"] != old


_STOP_POSTGRES: Final = {"restarted": _restart_postgres, "killed": _kill_postgres}


async def test_a_killed_content_pod_loses_no_acknowledged_write(
    duet: Cluster,
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    record_figure: RecordFigure,
) -> None:
    responses = [
        await client.post(
            "/api/v1/posts", headers=registered_user.headers, json={"title": f"Post {n}"}
        )
        for n in range(20)
    ]
    start = time.monotonic()
    pods = [f"pod/{pod}" for pod in duet.pods("content")]
    duet.kubectl("delete", *pods, "--grace-period=0", "--force")
    duet.kubectl("rollout", "status", "deployment/duet-content", "--timeout=120s")
    wait_until_served(f"{ORIGIN}/api/v1/posts")
    seconds = time.monotonic() - start
    assert {response.json()["id"] for response in responses} <= await drafts_of(registered_user)
    record_figure(f"content was served again after {seconds:.1f} s")
