"""Users as the API shows and takes them."""

import pytest
from pydantic import ValidationError

from duet_auth.users.models import User
from duet_auth.users.schemas import UserCreate, UserPatch, UserRead
from duet_auth.users.service import subject_of
from duet_common.ids import new_id
from duet_common.testing.clock import FrozenClock

NOW = FrozenClock()()


def user(**values: object) -> User:
    defaults: dict[str, object] = {
        "id": new_id(),
        "email": "ada@example.com",
        "hashed_password": "secret hash",
        "is_active": True,
        "is_superuser": False,
        "email_verified": False,
        "permissions": [],
        "created_at": NOW,
        "updated_at": NOW,
    }
    return User(**{**defaults, **values})


@pytest.mark.parametrize(
    ("first", "last", "full"),
    [
        ("Ada", "Lovelace", "Ada Lovelace"),
        ("Ada", None, "Ada"),
        (None, "Lovelace", "Lovelace"),
        (None, None, None),
    ],
)
def test_a_full_name_is_made_of_the_names_there_are(
    first: str | None, last: str | None, full: str | None
) -> None:
    shown = UserRead.model_validate(user(first_name=first, last_name=last))

    assert shown.full_name == full


def test_a_shown_user_holds_no_hash_and_utc_times() -> None:
    shown = UserRead.model_validate(user()).model_dump_json()

    assert "secret hash" not in shown
    assert '"created_at":"2026-07-01T12:00:00Z"' in shown


def test_a_superusers_scope_is_everything() -> None:
    assert subject_of(user(is_superuser=True, permissions=["x"])).permissions == {"*"}


def test_a_users_scope_is_its_permissions() -> None:
    granted = subject_of(user(permissions=["users:read", "users:read", "posts:moderate"]))

    assert granted.permissions == {"users:read", "posts:moderate"}


def test_a_patch_knows_absent_from_null() -> None:
    patch = UserPatch.model_validate({"first_name": None})

    assert patch.model_dump(exclude_unset=True) == {"first_name": None}


def test_a_password_shows_neither_in_repr_nor_in_an_error() -> None:
    password = "a long and secret phrase"
    body = {"email": "ada@example.com", "password": password}

    assert password not in repr(UserCreate.model_validate(body))
    with pytest.raises(ValidationError) as raised:
        UserCreate.model_validate({**body, "email": "nonsense"})
    assert password not in str(raised.value)
