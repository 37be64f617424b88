"""What goes on while a part is away, and what is there when it is back."""

import asyncio
import time
from collections.abc import AsyncIterator

import anyio
import anyio.to_thread
import httpx
import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.conftest import Say
from tests.cluster.load import drafts_of
from tests.people import Person

_LONGEST_RECOVERY = 60.0


@pytest.fixture
async def without_auth(duet: Cluster, person: Person) -> AsyncIterator[Cluster]:
    """Auth scaled to zero, after somebody has logged in."""
    replicas = duet.get("deployment/duet-auth")["spec"]["replicas"]
    pods = [f"pod/{pod}" for pod in duet.pods("auth")]
    duet.kubectl("scale", "deployment/duet-auth", "--replicas=0")
    duet.kubectl("wait", "--for=delete", *pods, "--timeout=90s")
    yield duet
    duet.kubectl("scale", "deployment/duet-auth", f"--replicas={replicas}")
    duet.kubectl("rollout", "status", "deployment/duet-auth", "--timeout=120s")


async def test_content_verifies_and_restarts_without_auth(
    without_auth: Cluster, client: httpx.AsyncClient, person: Person, say: Say
) -> None:
    """The keys are kept in content's own database, so its new pods need no auth."""
    gone = await client.get("/api/v1/users/me", headers=person.headers)
    assert gone.status_code == 503, gone.text
    draft = {"title": "Without auth"}
    first = await client.post("/api/v1/posts", headers=person.headers, json=draft)
    assert first.status_code == 201, first.text

    began = time.monotonic()
    old = [f"pod/{pod}" for pod in without_auth.pods("content")]
    without_auth.kubectl("rollout", "restart", "deployment/duet-content")
    without_auth.kubectl("rollout", "status", "deployment/duet-content", "--timeout=120s")
    without_auth.kubectl("wait", "--for=delete", *old, "--timeout=90s")
    seconds = time.monotonic() - began
    second = await client.post("/api/v1/posts", headers=person.headers, json=draft)
    assert second.status_code == 201, second.text
    forged = {"Authorization": f"Bearer {person.access_token[:-8]}AAAAAAAA"}
    assert (await client.get("/api/v1/profiles/me", headers=forged)).status_code == 401
    say(f"content rolled in {seconds:.0f} s without auth, and verifies as before")


async def test_a_killed_postgres_loses_no_acknowledged_write(
    duet: Cluster, client: httpx.AsyncClient, person: Person, say: Say
) -> None:
    acknowledged: set[str] = set()
    failed: list[int | str] = []
    stopping, warm = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        while not stopping.is_set():
            try:
                answer = await client.post(
                    "/api/v1/posts", headers=person.headers, json={"title": "Kept"}
                )
            except httpx.HTTPError as error:
                failed.append(repr(error))
                continue
            if answer.status_code == 201:
                acknowledged.add(answer.json()["id"])
            else:
                failed.append(answer.status_code)
                await asyncio.sleep(0.1)
            if len(acknowledged) >= 30:
                warm.set()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(write())
        await warm.wait()
        try:
            killed = time.monotonic()
            await anyio.to_thread.run_sync(_kill_postgres, duet)
            before = len(acknowledged)
            await anyio.to_thread.run_sync(
                lambda: eventually(
                    "writes after the restart",
                    lambda: len(acknowledged) > before + 3,
                    _LONGEST_RECOVERY,
                )
            )
            recovered = time.monotonic() - killed
        finally:
            stopping.set()
    lost = acknowledged - await drafts_of(person)
    say(
        f"writes again after {recovered:.1f} s; {len(acknowledged)} acknowledged, "
        f"{len(lost)} lost, {len(failed)} refused meanwhile with {sorted(set(map(str, failed)))}"
    )
    assert not lost
    assert set(failed) <= {503}, failed[:10]
    await anyio.to_thread.run_sync(
        duet.kubectl, "wait", "--for=condition=Available", "deployment", "--all", "--timeout=60s"
    )
    restarts = [
        status["restartCount"]
        for pod in duet.get("pods", "-l=app.kubernetes.io/component in (auth,content)")["items"]
        for status in pod["status"]["containerStatuses"]
    ]
    assert not any(restarts), "liveness must not depend on the database"


def _kill_postgres(cluster: Cluster) -> None:
    """No time to shut down; ends when the next one is ready."""
    old = cluster.get("pod/duet-postgres-0")["metadata"]["uid"]
    cluster.kubectl("delete", "pod/duet-postgres-0", "--grace-period=0", "--force")
    cluster.kubectl("rollout", "status", "statefulset/duet-postgres", "--timeout=120s")
    assert cluster.get("pod/duet-postgres-0")["metadata"]["uid"] != old


async def test_a_killed_content_pod_loses_no_acknowledged_write(
    duet: Cluster, client: httpx.AsyncClient, person: Person, say: Say
) -> None:
    wrote = [
        await client.post("/api/v1/posts", headers=person.headers, json={"title": f"Post {n}"})
        for n in range(20)
    ]
    began = time.monotonic()
    pods = [f"pod/{pod}" for pod in duet.pods("content")]
    duet.kubectl("delete", *pods, "--grace-period=0", "--force")
    duet.kubectl("rollout", "status", "deployment/duet-content", "--timeout=120s")
    seconds = time.monotonic() - began

    def served() -> bool:
        return httpx.get(f"{client.base_url}/api/v1/posts", timeout=5).status_code == 200

    eventually("content through the ingress", served, 30)
    assert {answer.json()["id"] for answer in wrote} <= await drafts_of(person)
    say(f"ready again after {seconds:.1f} s")
