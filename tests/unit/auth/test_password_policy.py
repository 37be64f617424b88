"""A new password has 8 to 128 characters and is not a common one. Nothing else is required."""

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from duet_auth.passwords.policy import NewPassword

POLICY: TypeAdapter[SecretStr] = TypeAdapter(NewPassword)


@pytest.mark.parametrize(
    "password",
    [
        "8 chars!",
        "y" * 7 + "z",
        "x7" * 64,
        "ääääääöö",
        "🔑" * 8,
        "        x",
        "qxvnrtwz",
        "4711081547",
    ],
    ids=ascii,
)
def test_any_password_of_allowed_length_that_is_not_common_is_accepted(password: str) -> None:
    assert POLICY.validate_python(password).get_secret_value() == password


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "too_short"),
        ("7 chars", "too_short"),
        ("🔑" * 7, "too_short"),
        ("x7" * 64 + "x", "too_long"),
        ("password1", "duet:common_password"),
        ("PASSWORD1", "duet:common_password"),
        ("12345678", "duet:common_password"),
        ("sunshine", "duet:common_password"),
        ("eight \ud800 chars", "duet:invalid_text"),
        (12345678, "string_type"),
        (None, "string_type"),
    ],
    ids=ascii,
)
def test_the_error_does_not_repeat_the_refused_password(password: object, code: str) -> None:
    with pytest.raises(ValidationError) as raised:
        POLICY.validate_python(password)

    [error] = raised.value.errors(include_input=False)
    assert error["type"] == code
    if isinstance(password, str) and password:
        assert password not in error["msg"]
