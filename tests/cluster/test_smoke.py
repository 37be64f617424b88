"""Smoke tests through the ingress, on a cluster where Duet was installed with `helm install`."""

import json
import time
import uuid

import httpx
import pytest
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect

from tests.cluster.cluster import (
    GATEWAY,
    ORIGIN,
    RELEASE,
    Cluster,
    eventually,
    wait_until_served,
)
from tests.cluster.conftest import RecordFigure
from tests.support.users import PASSWORD, RegisteredUser, log_in, register_user


async def test_the_smoke_test_passes_through_the_ingress(
    duet: Cluster, record_figure: RecordFigure
) -> None:
    record_figure(f"{await _run_smoke_test(ORIGIN):.2f} s")


async def test_the_smoke_test_passes_through_an_http_route(
    extended: Cluster, record_figure: RecordFigure
) -> None:
    """The gateway uses another port, which serves no Ingress."""
    wait_until_served(f"{GATEWAY}/api/v1/posts")
    async with httpx.AsyncClient(base_url=GATEWAY) as client:
        assert (await client.get("/metrics")).status_code == 404
    record_figure(f"{await _run_smoke_test(GATEWAY):.2f} s")


async def _run_smoke_test(origin: str) -> float:
    """Use both services as a new user would, and return the duration in seconds."""
    start = time.monotonic()
    email = f"{uuid.uuid4()}@example.com"  # noqa: TID251
    async with httpx.AsyncClient(base_url=origin, timeout=30) as client:
        registered_user = await register_user(client, email=email)
        me = await client.get("/api/v1/users/me", headers=registered_user.headers)
        assert me.json()["email"] == email
        await _publish(client, registered_user)
        used = {"refresh_token": registered_user.refresh_token}
        refreshed = await client.post("/api/v1/auth/refresh", json=used)
        assert refreshed.status_code == 200, refreshed.text
        access_token, refresh_token = (
            refreshed.json()[name] for name in ("access_token", "refresh_token")
        )
        await _exchange_message(origin, access_token)
        logout = await client.post(
            "/api/v1/auth/logout", headers={"Authorization": f"Bearer {access_token}"}
        )
        assert logout.status_code == 204, logout.text
        stale = await client.post("/api/v1/auth/refresh", json={"refresh_token": refresh_token})
        assert stale.status_code == 401
        assert (await log_in(client, email, PASSWORD)).status_code == 200
    return time.monotonic() - start


async def _publish(client: httpx.AsyncClient, registered_user: RegisteredUser) -> None:
    profile = await client.put(
        "/api/v1/profiles/me", headers=registered_user.headers, json={"display_name": "Ada"}
    )
    assert profile.status_code == 200, profile.text
    draft = {"title": "From outside", "content": "Through the ingress."}
    post = await client.post("/api/v1/posts", headers=registered_user.headers, json=draft)
    assert post.status_code == 201, post.text
    published = await client.post(
        f"{post.headers['location']}/publish", headers=registered_user.headers
    )
    assert published.json()["is_published"]
    listed = await client.get("/api/v1/posts")
    found = {item["id"]: item for item in listed.json()["items"]}
    assert found[post.json()["id"]]["author"]["name"] == "Ada"


async def _exchange_message(origin: str, access_token: str) -> None:
    """Publish a message over a WebSocket, and receive it."""
    subprotocols = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{access_token}")]
    url = f"{origin.replace('http', 'ws', 1)}/ws/smoke"
    async with connect(url, subprotocols=subprotocols) as websocket:
        assert websocket.subprotocol == "duet.v1"
        await _receive(websocket, "welcome")
        hello = {"type": "publish", "channel": "lobby", "data": "hello"}
        await websocket.send(json.dumps(hello))
        assert (await _receive(websocket, "message"))["data"] == "hello"


async def _receive(websocket: ClientConnection, kind: str) -> dict[str, object]:
    """Return the next message of a type, and discard the others."""
    while True:
        message: dict[str, object] = json.loads(await websocket.recv())
        if message["type"] == kind:
            return message


@pytest.mark.parametrize(
    "path",
    [
        "/metrics", "/livez", "/readyz", "/docs", "/openapi.json", "/internal/", "//metrics",
        "/metrics/", "/ws/../metrics", "/.well-known/../readyz", "/api/v1/posts/../../../metrics",
        "/api/v1/users/%2e%2e/%2e%2e/%2e%2e/livez",
    ],
)  # fmt: skip
async def test_internal_paths_are_not_reachable(duet: Cluster, path: str) -> None:
    """The client sends the path unchanged, including dots and percent-encoding."""
    async with httpx.AsyncClient() as client:
        request = client.build_request("GET", ORIGIN)
        request.url = request.url.copy_with(raw_path=path.encode())
        response = await client.send(request)
    assert response.status_code in {400, 404}, (response.status_code, response.text[:300])
    assert "python_info" not in response.text


async def test_the_logged_client_address_is_the_one_that_the_ingress_saw(
    extended: Cluster, record_figure: RecordFigure
) -> None:
    """It is neither the address that the client claims nor that of the ingress controller."""
    identifier = f"address-{uuid.uuid4()}"  # noqa: TID251
    forged = {"X-Forwarded-For": "198.51.100.7", "X-Request-ID": identifier}
    async with httpx.AsyncClient(base_url=ORIGIN, headers=forged) as client:
        assert (await client.get("/api/v1/posts")).status_code == 200
    (proxy,) = extended.get("pods", "-l=app=traefik", namespace="traefik")["items"]

    def logged() -> list[dict[str, str]]:
        logs = [extended.kubectl("logs", pod, "--tail=200") for pod in extended.pods("content")]
        lines = [line for log in logs for line in log.splitlines() if identifier in line]
        return [json.loads(line) for line in lines]

    (line,) = eventually("the log line of the request", logged, 10)
    assert line["client"] not in {"198.51.100.7", proxy["status"]["podIP"]}
    record_figure(f"client {line['client']}, proxy {proxy['status']['podIP']}")


def test_helm_test_succeeds(duet: Cluster, record_figure: RecordFigure) -> None:
    start = time.monotonic()
    output = duet.helm("test", RELEASE)
    assert "Phase:" in output
    assert "Succeeded" in output
    record_figure(f"{time.monotonic() - start:.1f} s")


async def test_content_accepts_the_access_token_of_a_new_user(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    response = await client.get("/api/v1/profiles/me", headers=registered_user.headers)
    assert response.status_code == 200, response.text
