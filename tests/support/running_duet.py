"""Both services under real uvicorn on real sockets, in the event loop of the tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duet_auth.main import create_app as create_auth
from duet_auth.runtime import AuthRuntime
from duet_auth.settings import AuthSettings
from duet_common.clock import Clock
from duet_common.web.runtime import Service
from duet_content.main import create_app as create_content
from duet_content.runtime import ContentRuntime
from duet_content.settings import ContentSettings
from duet_standalone.databases import DatabaseUrls
from duet_standalone.internal import listen_on_loopback, origin_of, serving_internal
from duet_standalone.main import StandaloneApp
from duet_standalone.server import StandaloneServer

EVENTS_TOKEN = "events-token-of-the-tests-0123456789"
KEY_ENCRYPTION_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@dataclass(frozen=True)
class Duet:
    """Both services while they run.

    `url` is their common origin, `internal_url` that of auth's internal paths, and `urls` are the
    URLs of their databases.
    """

    url: str
    internal_url: str
    auth: Service[AuthRuntime]
    content: Service[ContentRuntime]
    urls: DatabaseUrls


class ServerWithoutSignals(StandaloneServer):
    """The server of `make run`, without its signal handlers."""

    # Ctrl-C belongs to pytest.
    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]  # nullcontext is enough
        return nullcontext()


def auth_settings(url: str, **changes: Any) -> AuthSettings:
    """Return auth's settings for a test, without rate limits unless `changes` enable them."""
    values: dict[str, Any] = {
        "AUTH_DATABASE_URL": url,
        "key_encryption_key": KEY_ENCRYPTION_KEY,
        "events_token": EVENTS_TOKEN,
        "rate_limit_enabled": False,
        "log_level": "WARNING",
        **changes,
    }
    return AuthSettings(**values)


def content_settings(url: str, jwks: str | Path, **changes: Any) -> ContentSettings:
    """Return content's settings for a test; `jwks` is auth's origin or a JWK Set file."""
    source = (
        {"jwks_file": jwks}
        if isinstance(jwks, Path)
        else {"jwks_url": f"{jwks}/.well-known/jwks.json"}
    )
    values: dict[str, Any] = {
        "CONTENT_DATABASE_URL": url,
        "rate_limit_enabled": False,
        "log_level": "WARNING",
        **source,
        **changes,
    }
    return ContentSettings(**values)


@asynccontextmanager
async def running_duet(
    urls: DatabaseUrls,
    clock: Clock,
    *,
    auth: dict[str, Any] | None = None,
    content: dict[str, Any] | None = None,
) -> AsyncIterator[Duet]:
    """Run both services behind one origin on a free port.

    `auth` and `content` are settings that differ from those of `auth_settings` and
    `content_settings`.
    """
    with listen_on_loopback() as listener, listen_on_loopback() as internal:
        url = origin_of(listener)
        settings = auth_settings(urls.auth, **(auth or {}))
        auth_app = create_auth(settings, clock)
        content_app = create_content(content_settings(urls.content, url, **(content or {})), clock)
        ready = asyncio.Event()
        standalone = StandaloneApp(auth_app, content_app, settings.allowed_origins)
        server = ServerWithoutSignals(standalone, ready.set)
        async with standalone.running(), serving_internal(auth_app, internal):
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                async with asyncio.timeout(10):
                    await ready.wait()
                yield Duet(url, origin_of(internal), auth_app, content_app, urls)
            finally:
                server.should_exit = True
                await serving
