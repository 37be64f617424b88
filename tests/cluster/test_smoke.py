"""What a user does, through the ingress, on a cluster that had nothing but `helm install`."""

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
    until_served,
)
from tests.cluster.conftest import Say
from tests.support.users import PASSWORD, RegisteredUser, log_in, register_user


async def test_the_road_through_the_ingress(duet: Cluster, say: Say) -> None:
    say(f"{await _walk(ORIGIN):.2f} s")


async def test_the_road_over_an_http_route(extended: Cluster, say: Say) -> None:
    """By another port, which no Ingress is on."""
    until_served(f"{GATEWAY}/api/v1/posts")
    async with httpx.AsyncClient(base_url=GATEWAY) as client:
        assert (await client.get("/metrics")).status_code == 404
    say(f"{await _walk(GATEWAY):.2f} s")


async def _walk(origin: str) -> float:
    """What a user does; its seconds."""
    began = time.monotonic()
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
        await _talk(origin, access_token)
        out = await client.post(
            "/api/v1/auth/logout", headers={"Authorization": f"Bearer {access_token}"}
        )
        assert out.status_code == 204, out.text
        stale = await client.post("/api/v1/auth/refresh", json={"refresh_token": refresh_token})
        assert stale.status_code == 401
        assert (await log_in(client, email, PASSWORD)).status_code == 200
    return time.monotonic() - began


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


async def _talk(origin: str, access_token: str) -> None:
    subprotocols = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{access_token}")]
    url = f"{origin.replace('http', 'ws', 1)}/ws/smoke"
    async with connect(url, subprotocols=subprotocols) as websocket:
        assert websocket.subprotocol == "duet.v1"
        await _hear(websocket, "welcome")
        hello = {"type": "publish", "channel": "lobby", "data": "hello"}
        await websocket.send(json.dumps(hello))
        assert (await _hear(websocket, "message"))["data"] == "hello"


async def _hear(websocket: ClientConnection, kind: str) -> dict[str, object]:
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
    """The path goes out as it is written, dots and all."""
    async with httpx.AsyncClient() as client:
        request = client.build_request("GET", ORIGIN)
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = await client.send(request)
    assert answer.status_code in {400, 404}, (answer.status_code, answer.text[:300])
    assert "python_info" not in answer.text


async def test_a_clients_address_is_what_the_ingress_saw(extended: Cluster, say: Say) -> None:
    """Not what the client says, and not the ingress controller's own."""
    identifier = f"address-{uuid.uuid4()}"  # noqa: TID251
    forged = {"X-Forwarded-For": "198.51.100.7", "X-Request-ID": identifier}
    async with httpx.AsyncClient(base_url=ORIGIN, headers=forged) as client:
        assert (await client.get("/api/v1/posts")).status_code == 200
    (proxy,) = extended.get("pods", "-l=app=traefik", namespace="traefik")["items"]

    def logged() -> list[dict[str, str]]:
        logs = [extended.kubectl("logs", pod, "--tail=200") for pod in extended.pods("content")]
        lines = [line for log in logs for line in log.splitlines() if identifier in line]
        return [json.loads(line) for line in lines]

    (line,) = eventually("the request's line in a log", logged, 10)
    assert line["client"] not in {"198.51.100.7", proxy["status"]["podIP"]}
    say(f"seen as {line['client']}, by a proxy that is {proxy['status']['podIP']}")


def test_helm_test(duet: Cluster, say: Say) -> None:
    began = time.monotonic()
    said = duet.helm("test", RELEASE)
    assert "Phase:" in said
    assert "Succeeded" in said
    say(f"{time.monotonic() - began:.1f} s")


async def test_content_knows_the_person(
    client: httpx.AsyncClient, registered_user: RegisteredUser
) -> None:
    answer = await client.get("/api/v1/profiles/me", headers=registered_user.headers)
    assert answer.status_code == 200, answer.text
