"""No database connection is held, and no row is locked, while a password is hashed."""

import httpx
import pytest
from passlib.hash import bcrypt

from duet_auth.passwords import hasher
from duet_auth.users.models import User
from duet_auth.users.repository import Credentials
from duet_auth.users.service import UserService
from tests.support.auth_database import update_user
from tests.support.problems import assert_problem
from tests.support.running_duet import Duet
from tests.support.users import PASSWORD, RegisteredUser, log_in


class Watch:
    """Records the connections in use at each computation of a hash."""

    def __init__(self, duet: Duet, monkeypatch: pytest.MonkeyPatch) -> None:
        self.in_use: list[int] = []
        verify, hash_ = hasher._verify, hasher._CONTEXT.hash

        def record() -> None:
            pools = duet.auth.runtime.database.pools
            self.in_use.append(pools["write"].in_use + pools["read"].in_use)

        def watched_verify(password: str, hashed: str) -> hasher.Verdict:
            record()
            return verify(password, hashed)

        def watched_hash(password: str, **options: str | None) -> str:
            record()
            return str(hash_(password, **options))

        monkeypatch.setattr(hasher, "_verify", watched_verify)
        monkeypatch.setattr(hasher._CONTEXT, "hash", watched_hash)


@pytest.fixture
def watch(duet: Duet, registered_user: RegisteredUser, monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(duet, monkeypatch)


async def test_a_password_change_holds_no_connection(
    authenticated_client: httpx.AsyncClient, watch: Watch
) -> None:
    change = {"current_password": PASSWORD, "new_password": "another long and secret phrase"}

    response = await authenticated_client.put("/api/v1/users/me/password", json=change)

    assert response.status_code == 204
    assert watch.in_use == [0, 0]


async def test_a_registration_holds_no_connection(client: httpx.AsyncClient, watch: Watch) -> None:
    new = {"email": "grace@example.com", "password": PASSWORD}

    assert (await client.post("/api/v1/auth/register", json=new)).status_code == 201
    assert watch.in_use == [0]


async def test_a_login_that_starts_over_holds_no_connection(
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    duet: Duet,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A login starts over when the stored hash is replaced between its check and its lock."""
    lock_if_unchanged = UserService._lock_if_unchanged
    replacements = [str(bcrypt.using(rounds=4).hash(PASSWORD))]

    async def replace_first(service: UserService, credentials: Credentials) -> User | None:
        while replacements:
            await update_user(duet, registered_user.id, hashed_password=replacements.pop())
        return await lock_if_unchanged(service, credentials)

    monkeypatch.setattr(UserService, "_lock_if_unchanged", replace_first)

    assert (await log_in(client, registered_user.email)).status_code == 200
    assert set(watch.in_use) == {0}


async def test_a_login_whose_hash_changes_each_time_is_unavailable(
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    duet: Duet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(service: UserService, credentials: Credentials) -> None:
        return None

    monkeypatch.setattr(UserService, "_lock_if_unchanged", never)

    assert_problem(await log_in(client, registered_user.email), 503, "unavailable")
