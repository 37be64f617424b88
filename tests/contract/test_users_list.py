"""`duet-auth users list`, run as an operator runs it."""

import json
import sys
from pathlib import Path

import httpx

from tests.support.auth_database import update_user
from tests.support.programs import run_program
from tests.support.running_duet import KEY_ENCRYPTION_KEY, Duet
from tests.support.users import register_user


async def list_users(duet: Duet, folder: Path, *options: str) -> str:
    """Return what the program prints."""
    command = (str(Path(sys.executable).with_name("duet-auth")), "users", "list", *options)
    environment = {"AUTH_DATABASE_URL": duet.urls.auth, "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY}
    end = await run_program(command, environment, folder)
    assert end.status == 0, end.errors
    return end.output


async def test_it_shows_a_slice_newest_first_and_the_total(
    duet: Duet, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    users = [await register_user(client) for _ in range(3)]
    await update_user(duet, users[1].id, permissions=["posts:moderate"])
    await update_user(duet, users[0].id, is_active=False, is_superuser=True)

    lines = (await list_users(duet, tmp_path, "--skip", "1")).splitlines()

    assert lines == [
        f"{users[1].id}  {users[1].email}  active  posts:moderate",
        f"{users[0].id}  {users[0].email}  inactive  superuser",
        "2 of 3 users",
    ]


async def test_it_shows_only_active_users_on_request(
    duet: Duet, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    users = [await register_user(client) for _ in range(3)]
    await update_user(duet, users[1].id, is_active=False)

    shown = json.loads(await list_users(duet, tmp_path, "--active", "--limit", "1", "--json"))

    assert [user["email"] for user in shown["users"]] == [users[2].email]
    assert shown["total"] == 2
