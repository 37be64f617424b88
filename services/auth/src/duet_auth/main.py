"""auth's app: `uvicorn --factory duet_auth.main:create_app`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

from sqlalchemy.ext.asyncio import AsyncSession

from duet_auth.events import endpoints as events_endpoints
from duet_auth.events.feed import EventFeed
from duet_auth.events.purge import EventPurge
from duet_auth.keys import endpoints as keys_endpoints
from duet_auth.keys.encryption import KeyEncryption
from duet_auth.keys.issuer import TokenIssuer
from duet_auth.keys.ring import KeyRing
from duet_auth.keys.service import KeyPolicy, KeyService
from duet_auth.migrations import MIGRATIONS
from duet_auth.passwords.hasher import PasswordHasher
from duet_auth.runtime import AuthRuntime
from duet_auth.sessions import endpoints as sessions_endpoints
from duet_auth.sessions.refresh_tokens import RefreshTokenMaker
from duet_auth.sessions.service import SessionPolicy
from duet_auth.settings import AuthSettings
from duet_auth.users import endpoints as users_endpoints
from duet_common.clock import Clock, utc_now
from duet_common.db.database import Database, DatabaseOptions
from duet_common.observability.logging import configure_logging
from duet_common.tokens.verifier import TokenVerifier
from duet_common.web.app import create_service
from duet_common.web.runtime import Service


def create_app(
    settings: AuthSettings | None = None, clock: Clock = utc_now
) -> Service[AuthRuntime]:
    """Make auth's app from the given settings, or from the environment."""
    if settings is None:
        settings = AuthSettings()
        configure_logging(settings.log_level, settings.log_format)

    app = create_service(
        name="duet-auth",
        title="Duet auth",
        description="Users, passwords, sessions and tokens.",
        version=version("duet-auth"),
        tags={
            "auth": "Registration, login, and the tokens of a session.",
            "users": "The current user with its sessions, and other users for `users:read`.",
            "keys": "The public keys that verify access tokens.",
        },
        settings=settings,
        runtime=lambda: running(settings, clock),
        routers=[
            users_endpoints.router,
            sessions_endpoints.router,
            keys_endpoints.router,
            events_endpoints.router,
        ],
        checks={
            "database": lambda runtime: runtime.database.check_connection(),
            "schema": lambda runtime: MIGRATIONS.check_schema(runtime.database),
            "signing_key": _check_keys,
        },
    )
    app.metrics.watch(
        "duet_signing_key_age_seconds",
        "Time since the active signing key was activated",
        lambda: _key_age(app.runtime.ring, clock),
        across="max",
    )
    app.metrics.watch(
        "duet_events_waiting_requests",
        "Requests that wait for the next event",
        lambda: {(): app.runtime.feed.waiting},
    )

    async def end_waits(_: float) -> None:
        app.runtime.feed.end_waits()

    app.drain.add(end_waits)
    return app


@asynccontextmanager
async def running(settings: AuthSettings, clock: Clock = utc_now) -> AsyncIterator[AuthRuntime]:
    """Open everything that auth needs, and close it at the end."""
    database = Database(
        settings.database_url.get_secret_value(), DatabaseOptions.of(settings, "duet-auth")
    )
    ring = KeyRing(database, key_services(settings, clock), settings.key_refresh_seconds)
    hasher = PasswordHasher(threads=settings.hash_threads, queue=settings.hash_queue)
    feed = event_feed(settings, database, clock)
    purge = EventPurge(database, timedelta(days=settings.events_retention_days), clock)
    try:
        await ring.start()
        feed.start()
        purge.start()
        yield AuthRuntime(
            settings=settings,
            clock=clock,
            database=database,
            verifier=TokenVerifier(ring, settings.claims_policy(), clock),
            ring=ring,
            issuer=TokenIssuer(
                ring, settings.token_issuer, settings.token_audience, settings.access_token_lifetime
            ),
            hasher=hasher,
            refresh_tokens=RefreshTokenMaker(settings.key_encryption_bytes),
            session_policy=SessionPolicy(
                idle=timedelta(days=settings.refresh_idle_days),
                absolute=timedelta(days=settings.refresh_absolute_days),
                grace=timedelta(seconds=settings.refresh_grace_seconds),
            ),
            feed=feed,
        )
    finally:
        await purge.stop()
        await feed.stop()
        await ring.stop()
        hasher.close()
        await database.close()


def event_feed(settings: AuthSettings, database: Database, clock: Clock) -> EventFeed:
    """Return the feed. It listens only if it is served, and if the connection can do so."""
    listens = settings.events_token is not None and not settings.database_pooler
    return EventFeed(
        database,
        clock,
        replay=settings.claims_policy().max_lifetime,
        listen_url=settings.database_url.get_secret_value() if listens else None,
    )


def key_services(settings: AuthSettings, clock: Clock) -> Callable[[AsyncSession], KeyService]:
    """Return a function that makes the key service of a session."""
    encryption = KeyEncryption(settings.key_encryption_bytes)
    policy = KeyPolicy(
        algorithm=settings.signing_algorithm,
        propagation=timedelta(seconds=settings.key_propagation_seconds),
        # A process that has not read the keys since a rotation still signs with the old one.
        retention=settings.access_token_lifetime
        + timedelta(seconds=4 * settings.key_refresh_seconds),
    )
    return lambda session: KeyService(session, encryption, policy, clock)


def _key_age(ring: KeyRing, clock: Clock) -> dict[tuple[str, ...], float]:
    since = ring.active_since
    return {} if since is None else {(): (clock() - since).total_seconds()}


async def _check_keys(runtime: AuthRuntime) -> str | None:
    return None if runtime.ring.has_keys else "the signing keys have not been read yet"
