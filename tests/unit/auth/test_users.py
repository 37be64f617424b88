"""User schemas define what requests may contain and what responses contain."""

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
def test_the_full_name_joins_the_names_that_are_set(
    first: str | None, last: str | None, full: str | None
) -> None:
    response = UserRead.model_validate(user(first_name=first, last_name=last))

    assert response.full_name == full


def test_a_user_in_a_response_has_utc_times_and_no_password_hash() -> None:
    response = UserRead.model_validate(user()).model_dump_json()

    assert "secret hash" not in response
    assert '"created_at":"2026-07-01T12:00:00Z"' in response


def test_a_superuser_has_the_wildcard_permission() -> None:
    assert subject_of(user(is_superuser=True, permissions=["x"])).permissions == {"*"}


def test_a_user_has_each_permission_once() -> None:
    subject = subject_of(user(permissions=["users:read", "users:read", "posts:moderate"]))

    assert subject.permissions == {"users:read", "posts:moderate"}


def test_a_patch_distinguishes_absent_from_null() -> None:
    patch = UserPatch.model_validate({"first_name": None})

    assert patch.model_dump(exclude_unset=True) == {"first_name": None}


def test_a_password_appears_neither_in_repr_nor_in_an_error() -> None:
    password = "a long and secret phrase"
    body = {"email": "ada@example.com", "password": password}

    assert password not in repr(UserCreate.model_validate(body))
    with pytest.raises(ValidationError) as raised:
        UserCreate.model_validate({**body, "email": "nonsense"})
    assert password not in str(raised.value)
