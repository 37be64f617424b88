"""content's app: `uvicorn --factory duet_content.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from duet_common.clock import Clock, utc_now
from duet_common.db.database import Database, DatabaseOptions
from duet_common.http_client import async_client
from duet_common.observability.logging import configure_logging
from duet_common.tokens.key_sources import FileKeySource, JwksKeySource
from duet_common.tokens.verifier import TokenVerifier
from duet_common.web.app import create_service
from duet_common.web.runtime import Service
from duet_content.jwks.store import DatabaseJwksStore
from duet_content.migrations import MIGRATIONS
from duet_content.posts import endpoints as posts_endpoints
from duet_content.profiles import endpoints as profiles_endpoints
from duet_content.realtime import endpoints as realtime_endpoints
from duet_content.realtime.hub import Hub
from duet_content.runtime import ContentRuntime
from duet_content.settings import ContentSettings


def create_app(
    settings: ContentSettings | None = None, clock: Clock = utc_now
) -> Service[ContentRuntime]:
    """Make content's app from the given settings, or from the environment."""
    if settings is None:
        settings = ContentSettings()
        configure_logging(settings.log_level, settings.log_format)

    app = create_service(
        name="duet-content",
        title="Duet content",
        description="Profiles, posts and WebSockets.",
        version=version("duet-content"),
        tags={
            "posts": "Posts, which are drafts until they are published.",
            "profiles": "What a user shows of themselves: name, bio and avatar.",
        },
        settings=settings,
        runtime=lambda: running(settings, clock),
        routers=[
            posts_endpoints.router,
            profiles_endpoints.router,
            realtime_endpoints.router,
        ],
        checks={
            "database": lambda runtime: runtime.database.check_connection(),
            "schema": lambda runtime: MIGRATIONS.check_schema(runtime.database),
            "verification_key": _check_keys,
        },
    )
    app.metrics.count_websockets(app)
    app.drain.add(lambda seconds: app.runtime.hub.drain(seconds))
    return app


@asynccontextmanager
async def running(
    settings: ContentSettings, clock: Clock = utc_now
) -> AsyncIterator[ContentRuntime]:
    """Open everything that content needs, and close it at the end."""
    database = Database(
        settings.database_url.get_secret_value(), DatabaseOptions.of(settings, "duet-content")
    )
    try:
        async with _key_source(settings, database) as keys:
            yield ContentRuntime(
                settings=settings,
                clock=clock,
                database=database,
                verifier=TokenVerifier(keys, settings.claims_policy(), clock),
                keys=keys,
                hub=Hub(clock),
            )
    finally:
        await database.close()


@asynccontextmanager
async def _key_source(
    settings: ContentSettings, database: Database
) -> AsyncIterator[FileKeySource | JwksKeySource]:
    if settings.jwks_file is not None:
        yield FileKeySource(settings.jwks_file)
        return
    store = DatabaseJwksStore(database, settings.token_issuer)
    async with async_client(timeout=2.0) as client:
        source = JwksKeySource(
            str(settings.jwks_url),
            client,
            store,
            cool_down=settings.jwks_cool_down_seconds,
            refresh_every=settings.jwks_refresh_seconds,
        )
        await source.start()
        try:
            yield source
        finally:
            await source.stop()


async def _check_keys(runtime: ContentRuntime) -> str | None:
    return None if runtime.keys.has_keys else "no public key has been loaded yet"
