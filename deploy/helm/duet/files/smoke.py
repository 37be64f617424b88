"""What `helm test` runs: a smoke test of both services, from inside the cluster."""

import json
import logging
import os
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

logger = logging.getLogger("smoke")
PASSWORD = secrets.token_urlsafe(24)
EMAIL = f"helm-test-{secrets.token_hex(8)}@example.com"


def walk() -> None:
    """Ends with an exception at the first step that is not answered as it should be."""
    with (
        httpx.Client(base_url=f"http://{os.environ['AUTH']}/api/v1") as auth,
        httpx.Client(base_url=f"http://{os.environ['CONTENT']}/api/v1") as content,
    ):
        registration = {"email": EMAIL, "password": PASSWORD}
        ask(auth, "POST", "/auth/register", HTTPStatus.CREATED, json=registration)
        refresh_token = log_in(auth)["refresh_token"]
        tokens = ask(auth, "POST", "/auth/refresh", json={"refresh_token": refresh_token})
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

        ask(content, "PUT", "/profiles/me", headers=bearer, json={"display_name": "Helm test"})
        draft = {"title": "Helm test", "content": "From inside the cluster."}
        post = ask(content, "POST", "/posts", HTTPStatus.CREATED, headers=bearer, json=draft)
        ask(content, "POST", f"/posts/{post['id']}/publish", headers=bearer)
        ask(content, "GET", f"/posts/{post['id']}")
        talk(tokens["access_token"])
        ask(content, "DELETE", f"/posts/{post['id']}", HTTPStatus.NO_CONTENT, headers=bearer)

        ask(auth, "POST", "/auth/logout", HTTPStatus.NO_CONTENT, headers=bearer)
        stale = {"refresh_token": tokens["refresh_token"]}
        ask(auth, "POST", "/auth/refresh", HTTPStatus.UNAUTHORIZED, json=stale)
        bearer = {"Authorization": f"Bearer {log_in(auth)['access_token']}"}
        ask(auth, "DELETE", "/users/me", HTTPStatus.NO_CONTENT, headers=bearer)


def log_in(auth: httpx.Client) -> Any:
    return ask(auth, "POST", "/auth/login", data={"username": EMAIL, "password": PASSWORD})


def ask(
    client: httpx.Client,
    method: str,
    path: str,
    expected: HTTPStatus = HTTPStatus.OK,
    *,
    headers: Mapping[str, str] | None = None,
    json: object = None,
    data: Mapping[str, str] | None = None,
) -> Any:
    response = client.request(method, path, headers=headers, json=json, data=data)
    logger.info("%s %s: %s", method, path, response.status_code)
    if response.status_code != expected:
        raise SystemExit(f"{method} {path} should answer {expected}: {response.text}")
    return response.json() if response.content else None


def talk(access_token: str) -> None:
    """Say something in the lobby, and hear it."""
    url = f"ws://{os.environ['CONTENT']}/ws/helm-test"
    said = secrets.token_hex(8)
    subprotocols = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{access_token}")]
    with connect(url, subprotocols=subprotocols) as websocket:
        hear(websocket, "welcome")
        websocket.send(json.dumps({"type": "publish", "channel": "lobby", "data": said}))
        while hear(websocket, "message").get("data") != said:
            pass
    logger.info("WS /ws/helm-test: heard")


def hear(websocket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(websocket.recv(timeout=10))
        if message["type"] == kind:
            return message


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    walk()
