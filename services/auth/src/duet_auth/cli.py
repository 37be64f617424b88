"""`duet-auth`: the command line of the auth service."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from duet_auth.events.service import EventService
from duet_auth.keys.models import SigningKeyRow
from duet_auth.keys.service import KeyService, NotPropagated, Rotated
from duet_auth.kubernetes_secrets import (
    SecretsFailure,
    SecretsSpec,
    cluster_client,
    make_secrets,
)
from duet_auth.main import create_app, key_services
from duet_auth.migrations import MIGRATIONS
from duet_auth.passwords.hasher import PasswordHasher
from duet_auth.settings import AuthSettings
from duet_auth.users.schemas import UserRead
from duet_auth.users.service import UserService
from duet_common.clock import utc_now
from duet_common.db.database import Database, DatabaseOptions
from duet_common.db.migrations import WrongDatabase
from duet_common.errors import DuetError
from duet_common.observability.logging import configure_logging
from duet_common.tokens.claims import make_scope
from duet_common.web.server import serve as serve_app

T = TypeVar("T")
app = typer.Typer(help="Operate Duet's auth service.", no_args_is_help=True)
keys = typer.Typer(help="Manage the keys that sign access tokens.", no_args_is_help=True)
users = typer.Typer(help="Manage users and their permissions.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(users, name="users")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def serve() -> None:
    """Serve the API until SIGTERM, then drain."""
    serve_app(create_app())


@app.command()
def migrate(
    wait: Annotated[float, typer.Option(help="Maximum seconds to wait for the database.")] = 0,
    skip_unknown_host: Annotated[
        bool,
        typer.Option(
            help="Succeed without doing anything if the database's host name does not resolve."
        ),
    ] = False,
) -> None:
    """Migrate the database to this release's schema. Several processes may run this at once."""
    settings = _settings()
    configure_logging(settings.log_level, settings.log_format)
    url = settings.database_url.get_secret_value()
    typer.echo(_run(MIGRATIONS.run(url, wait, skip_unknown_host=skip_unknown_host)))


@app.command("make-secrets")
def make_missing_secrets(
    spec: Annotated[
        str, typer.Option(envvar="SECRETS_SPEC", help="JSON; the chart's README describes it.")
    ],
) -> None:
    """Create the chart's missing Secrets, in a cluster. Existing ones are never changed."""
    try:
        with cluster_client() as client:
            made = make_secrets(SecretsSpec.model_validate_json(spec), client)
    except (SecretsFailure, ValidationError) as error:
        typer.echo(f"duet-auth: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Created {', '.join(made)}." if made else "Nothing to do: all Secrets exist.")


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """Show the signing keys, oldest first."""
    rows = _run(_list_keys(_settings()))
    if as_json:
        typer.echo(json.dumps([_described(row) for row in rows]))
        return
    for row in rows:
        typer.echo("  ".join(f"{value}" for value in _described(row).values()))


@keys.command()
def rotate(
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Do not wait until every verifier has had time to fetch the next key. Use it for "
            "a leaked key: new tokens may be refused for some seconds.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Retire the active key, activate the next one, and publish a new next key."""
    rotated = _run(_rotate(_settings(), force=force))
    if as_json:
        typer.echo(json.dumps({"active": rotated.active, "next": rotated.next}))
    else:
        typer.echo(f"active {rotated.active}\nnext   {rotated.next}")


@users.command()
def grant(
    email: str,
    permissions: Annotated[
        list[str] | None, typer.Argument(help="For example posts:moderate.")
    ] = None,
    superuser: Annotated[
        bool | None,
        typer.Option("--superuser/--no-superuser", help="Grant or remove every permission."),
    ] = None,
) -> None:
    """Replace a user's permissions. The next access token contains them.

    If the user loses a permission, their current access tokens are revoked.
    """
    try:
        make_scope(permissions or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    _run(_grant(_settings(), email, sorted(set(permissions or [])), superuser))
    typer.echo(f"{email}: {' '.join(permissions or []) or 'no permissions'}")


@users.command("list")
def list_users(
    skip: Annotated[int, typer.Option(min=0, help="Number of users to skip.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of users.")] = 100,
    active: Annotated[bool, typer.Option("--active", help="Only active users.")] = False,
    as_json: Json = False,
) -> None:
    """Show users, newest first, and their total number."""
    shown, total = _run(_list_users(_settings(), skip=skip, limit=limit, active_only=active))
    if as_json:
        document = {"users": [user.model_dump(mode="json") for user in shown], "total": total}
        typer.echo(json.dumps(document))
        return
    for user in shown:
        rights = "superuser" if user.is_superuser else " ".join(user.permissions)
        state = "active" if user.is_active else "inactive"
        typer.echo(f"{user.id}  {user.email}  {state}  {rights}".rstrip())
    typer.echo(f"{len(shown)} of {total} users")


async def _list_keys(settings: AuthSettings) -> list[SigningKeyRow]:
    async with _key_service(settings) as service:
        return list(await service.list())


async def _rotate(settings: AuthSettings, *, force: bool) -> Rotated:
    while True:
        async with _key_service(settings) as service:
            outcome = await service.rotate(force=force)
        if isinstance(outcome, Rotated):
            return outcome
        typer.echo(_waiting(outcome), err=True)
        await asyncio.sleep(outcome.wait.total_seconds())


def _waiting(outcome: NotPropagated) -> str:
    seconds = outcome.wait.total_seconds()
    return f"Waiting {seconds:.0f} s, so that every verifier can fetch the next key first."


async def _grant(
    settings: AuthSettings, email: str, permissions: list[str], superuser: bool | None
) -> None:
    async with _user_service(settings) as service:
        await service.set_permissions(email, permissions, is_superuser=superuser)


async def _list_users(
    settings: AuthSettings, *, skip: int, limit: int, active_only: bool
) -> tuple[list[UserRead], int]:
    async with _user_service(settings) as service:
        rows, total = await service.get_multi(skip=skip, limit=limit, active_only=active_only)
        return [UserRead.model_validate(row) for row in rows], total


def _described(row: SigningKeyRow) -> dict[str, str | None]:
    state = "retired" if row.retired_at else "active" if row.activated_at else "next"
    return {
        "kid": row.kid,
        "state": state,
        "algorithm": row.algorithm,
        "published_at": row.published_at.isoformat(),
    }


@asynccontextmanager
async def _database(settings: AuthSettings) -> AsyncIterator[Database]:
    url = settings.database_url.get_secret_value()
    database = Database(url, DatabaseOptions.of(settings, "duet-auth-cli"))
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _key_service(settings: AuthSettings) -> AsyncIterator[KeyService]:
    async with _database(settings) as database, database.transaction() as session:
        yield key_services(settings, utc_now)(session)


@asynccontextmanager
async def _user_service(settings: AuthSettings) -> AsyncIterator[UserService]:
    with closing(PasswordHasher(threads=1, queue=0)) as hasher:
        async with _database(settings) as database, database.transaction() as session:
            events = EventService(session)
            yield UserService(session, database.read_only_pool, hasher, events, utc_now)


def _settings() -> AuthSettings:
    """Read the settings from the environment, or from the file that `make run` has written."""
    written = Path(os.environ.get("DATA_DIR", ".data")) / "auth.env"
    try:
        return AuthSettings(_env_file=written if "AUTH_DATABASE_URL" not in os.environ else None)
    except ValidationError as error:
        names = ", ".join("_".join(map(str, e["loc"])).upper() for e in error.errors())
        typer.echo(
            f"duet-auth: missing or invalid settings: {names}. Set them, or start `make run` here.",
            err=True,
        )
        raise typer.Exit(1) from None


def _run(work: Coroutine[None, None, T]) -> T:
    try:
        return asyncio.run(work)
    except (DuetError, WrongDatabase, SQLAlchemyError, OSError) as error:
        typer.echo(f"duet-auth: {error}", err=True)
        raise typer.Exit(1) from None


def main() -> None:
    app()
