"""Both services behind one origin, with the same paths as behind an ingress."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from duet_auth.runtime import AuthRuntime
from duet_common.tokens.key_sources import JwksKeySource
from duet_common.web.drain import Drain
from duet_common.web.middleware import common_middleware
from duet_common.web.problems import install_error_handler
from duet_common.web.runtime import Service
from duet_content.runtime import ContentRuntime
from duet_standalone.docs import docs_router

# The charts have the same lists: deploy/helm/duet-{auth,content}/files/public-paths.yaml.
AUTH_PATHS: Final = (
    "/api/v1/auth",
    "/api/v1/users",
    "/.well-known",
)
CONTENT_PATHS: Final = (
    "/api/v1/profiles",
    "/api/v1/posts",
    "/ws",
)


class StandaloneApp:
    """Dispatches requests by path prefix, as an ingress does. Probes and metrics are not routed."""

    def __init__(
        self,
        auth: Service[AuthRuntime],
        content: Service[ContentRuntime],
        allowed_origins: Sequence[str],
    ) -> None:
        self.auth = auth
        self.content = content
        self._routes: list[tuple[str, ASGIApp]] = [
            *((path, auth) for path in AUTH_PATHS),
            *((path, content) for path in CONTENT_PATHS),
        ]
        self._rest = FastAPI(
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            middleware=common_middleware(Drain(), allowed_origins),
        )
        self._rest.include_router(docs_router(auth, content))
        install_error_handler(self._rest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        for prefix, service in self._routes:
            if path == prefix or path.startswith(prefix + "/"):
                await service(scope, receive, send)
                return
        await self._rest(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the lifespans of both services. The server itself has `lifespan="off"`."""
        async with AsyncExitStack() as stack:
            for app in (self.auth, self.content):
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    async def ready(self) -> None:
        """Return when content has fetched auth's keys from the running server."""
        keys = self.content.runtime.keys
        if isinstance(keys, JwksKeySource):
            await keys.refresh()
