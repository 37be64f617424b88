"""HTTP requests that the services send: the only module of the running code that imports httpx.

Replacing httpx changes this module and the code in `duet_common.testing` (docs/adr/0009).
"""

import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, TypeAlias

import httpx

AsyncClient: TypeAlias = httpx.AsyncClient
Client: TypeAlias = httpx.Client


class HttpFailure(Exception):
    """A request without a usable response. The message gives the cause, never the content."""


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a response, and its ETag if it has one."""

    content: bytes
    etag: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """The status and the content of a response."""

    status: int
    content: bytes


def async_client(*, timeout: float) -> AsyncClient:
    """Return a client that waits at most `timeout` seconds for each operation on a connection."""
    return httpx.AsyncClient(timeout=timeout, follow_redirects=False)


async def get_document(
    client: AsyncClient, url: str, *, accept: str, etag: str | None, max_bytes: int
) -> Document | None:
    """Return the document at `url`, or None if the server answers that it still has this ETag.

    Redirects are not followed. Raises `HttpFailure` when the request fails, when the status is
    neither 200 nor 304, and as soon as the content is longer than `max_bytes`.
    """
    headers = {"Accept": accept}
    if etag is not None:
        headers["If-None-Match"] = etag
    try:
        async with client.stream("GET", url, headers=headers, follow_redirects=False) as response:
            if response.status_code == HTTPStatus.NOT_MODIFIED:
                return None
            if response.status_code != HTTPStatus.OK:
                raise HttpFailure(f"status {response.status_code}")
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > max_bytes:
                    raise HttpFailure(f"the document is longer than {max_bytes} bytes")
    except httpx.HTTPError as error:
        raise HttpFailure(_cause(error)) from error
    return Document(content, response.headers.get("ETag"))


def api_client(base_url: str, *, token: str, tls: ssl.SSLContext, timeout: float) -> Client:
    """Return a client for the API below `base_url`; it sends `token` as a bearer token."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=base_url, headers=headers, verify=tls, timeout=timeout)


def send(
    client: Client,
    method: Literal["GET", "POST"],
    path: str,
    body: Mapping[str, object] | None = None,
    *,
    allowed: Collection[HTTPStatus] = (),
) -> Reply:
    """Send `body` as JSON, and return a reply whose status is 2xx or one of `allowed`.

    Raises `HttpFailure` when the request fails or has another status.
    """
    try:
        response = client.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise HttpFailure(_cause(error)) from error
    if not response.is_success and response.status_code not in allowed:
        raise HttpFailure(f"status {response.status_code}")
    return Reply(response.status_code, response.content)


def _cause(error: httpx.HTTPError) -> str:
    # The message of a timeout is empty, so the type is part of the cause.
    return f"{type(error).__name__}: {error}"
