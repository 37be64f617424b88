"""`duet-auth users list` prints users for an operator."""

import json
import sys
from pathlib import Path

import httpx

from tests.support.auth_database import update_user
from tests.support.programs import run_program
from tests.support.running_duet import KEY_ENCRYPTION_KEY, Duet
from tests.support.users import register_user


async def list_users(duet: Duet, folder: Path, *options: str) -> str:
    """Run the program and return its output."""
    command = (str(Path(sys.executable).with_name("duet-auth")), "users", "list", *options)
    environment = {"AUTH_DATABASE_URL": duet.urls.auth, "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY}
    end = await run_program(command, environment, folder)
    assert end.status == 0, end.errors
    return end.output


async def test_users_are_listed_newest_first_with_the_total(
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


async def test_the_active_option_lists_only_active_users(
    duet: Duet, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    users = [await register_user(client) for _ in range(3)]
    await update_user(duet, users[1].id, is_active=False)

    listed = json.loads(await list_users(duet, tmp_path, "--active", "--limit", "1", "--json"))

    assert [user["email"] for user in listed["users"]] == [users[2].email]
    assert listed["total"] == 2
