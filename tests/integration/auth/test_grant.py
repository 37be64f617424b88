"""`duet-auth users grant`."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from typer.testing import CliRunner, Result

from duet_auth.cli import app
from duet_auth.users.errors import UserNotFound
from duet_common.tokens.strict_jws import read_unverified
from tests.support.running_duet import KEY_ENCRYPTION_KEY, Duet
from tests.support.users import RegisteredUser, log_in

Grant = Callable[..., Awaitable[Result]]
Scope = Callable[[], Awaitable[str]]


@pytest.fixture
def grant(duet: Duet) -> Grant:
    """Runs the command with these arguments on the database of the running auth."""
    environment = {
        "AUTH_DATABASE_URL": duet.urls.auth,
        "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY,
        "COLUMNS": "200",  # so that no message is broken into lines
    }

    async def run(*arguments: str) -> Result:
        command = ["users", "grant", *arguments]
        # In a thread, because the command runs an event loop of its own.
        return await asyncio.to_thread(
            lambda: CliRunner().invoke(app, command, env=environment, prog_name="duet-auth")
        )

    return run


@pytest.fixture
def scope(client: httpx.AsyncClient, registered_user: RegisteredUser) -> Scope:
    """The scope of the user's next access token."""

    async def next_scope() -> str:
        tokens = (await log_in(client, registered_user.email)).json()
        return str(read_unverified(tokens["access_token"]).claims["scope"])

    return next_scope


async def test_the_next_token_has_exactly_the_granted_permissions(
    grant: Grant, registered_user: RegisteredUser, scope: Scope
) -> None:
    granted = await grant(registered_user.email, "users:read", "posts:moderate")
    assert (granted.exit_code, granted.stderr) == (0, "")
    assert granted.stdout == f"{registered_user.email}: users:read posts:moderate\n"
    assert await scope() == "posts:moderate users:read"

    # In any spelling of the email, as it is for a login.
    taken = await grant(f" {registered_user.email.upper()}")
    assert (taken.exit_code, taken.stderr) == (0, "")
    assert await scope() == ""


async def test_a_superuser_is_allowed_everything_until_it_is_taken_back(
    grant: Grant, registered_user: RegisteredUser, scope: Scope
) -> None:
    assert (await grant(registered_user.email, "--superuser")).exit_code == 0
    assert await scope() == "*"

    assert (await grant(registered_user.email, "posts:moderate")).exit_code == 0
    assert await scope() == "*", "permissions alone leave a superuser one"

    assert (await grant(registered_user.email, "posts:moderate", "--no-superuser")).exit_code == 0
    assert await scope() == "posts:moderate"


async def test_an_unknown_email_is_refused(grant: Grant) -> None:
    refused = await grant("nobody@example.com", "posts:moderate")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"duet-auth: {UserNotFound.title}\n"


async def test_a_permission_that_would_be_two_is_a_usage_error(
    grant: Grant, registered_user: RegisteredUser, scope: Scope
) -> None:
    refused = await grant(registered_user.email, "posts:moderate", "x *")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "'x *'" in refused.stderr
    assert "Usage: duet-auth users grant" in refused.stderr
    assert await scope() == ""


async def test_its_help_names_what_it_takes(grant: Grant) -> None:
    shown = await grant("--help")
    assert (shown.exit_code, shown.stderr) == (0, "")
    for argument in ("email", "permissions", "--superuser", "--no-superuser"):
        assert argument in shown.stdout.lower()
