"""Smoke test of both services, run inside the cluster by `helm test` and `skaffold verify`."""

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


def run_smoke_test() -> None:
    """Use both services as a new user. Raises SystemExit at the first unexpected response."""
    with (
        httpx.Client(base_url=f"http://{os.environ['AUTH']}/api/v1") as auth,
        httpx.Client(base_url=f"http://{os.environ['CONTENT']}/api/v1") as content,
    ):
        registration = {"email": EMAIL, "password": PASSWORD}
        request(auth, "POST", "/auth/register", HTTPStatus.CREATED, json=registration)
        refresh_token = log_in(auth)["refresh_token"]
        tokens = request(auth, "POST", "/auth/refresh", json={"refresh_token": refresh_token})
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

        request(content, "PUT", "/profiles/me", headers=bearer, json={"display_name": "Helm test"})
        draft = {"title": "Helm test", "content": "From inside the cluster."}
        post = request(content, "POST", "/posts", HTTPStatus.CREATED, headers=bearer, json=draft)
        request(content, "POST", f"/posts/{post['id']}/publish", headers=bearer)
        request(content, "GET", f"/posts/{post['id']}")
        exchange_message(tokens["access_token"])
        request(content, "DELETE", f"/posts/{post['id']}", HTTPStatus.NO_CONTENT, headers=bearer)

        request(auth, "POST", "/auth/logout", HTTPStatus.NO_CONTENT, headers=bearer)
        stale = {"refresh_token": tokens["refresh_token"]}
        request(auth, "POST", "/auth/refresh", HTTPStatus.UNAUTHORIZED, json=stale)
        bearer = {"Authorization": f"Bearer {log_in(auth)['access_token']}"}
        request(auth, "DELETE", "/users/me", HTTPStatus.NO_CONTENT, headers=bearer)


def log_in(auth: httpx.Client) -> Any:
    return request(auth, "POST", "/auth/login", data={"username": EMAIL, "password": PASSWORD})


def request(
    client: httpx.Client,
    method: str,
    path: str,
    expected: HTTPStatus = HTTPStatus.OK,
    *,
    headers: Mapping[str, str] | None = None,
    json: object = None,
    data: Mapping[str, str] | None = None,
) -> Any:
    """Send a request and return the JSON of its response, or None if the body is empty."""
    response = client.request(method, path, headers=headers, json=json, data=data)
    logger.info("%s %s: %s", method, path, response.status_code)
    if response.status_code != expected:
        raise SystemExit(
            f"{method} {path}: expected {expected}, got {response.status_code}: {response.text}"
        )
    return response.json() if response.content else None


def exchange_message(access_token: str) -> None:
    """Publish a message in the lobby, and wait until it arrives."""
    url = f"ws://{os.environ['CONTENT']}/ws/helm-test"
    text = secrets.token_hex(8)
    subprotocols = [Subprotocol("duet.v1"), Subprotocol(f"bearer.{access_token}")]
    with connect(url, subprotocols=subprotocols) as websocket:
        receive(websocket, "welcome")
        websocket.send(json.dumps({"type": "publish", "channel": "lobby", "data": text}))
        while receive(websocket, "message").get("data") != text:
            pass
    logger.info("WS /ws/helm-test: message received")


def receive(websocket: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of type `kind`, and discard all messages before it."""
    while True:
        message: dict[str, Any] = json.loads(websocket.recv(timeout=10))
        if message["type"] == kind:
            return message


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    run_smoke_test()
