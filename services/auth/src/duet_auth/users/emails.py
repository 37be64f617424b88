"""The one form of an email address, in which it is stored and looked up."""

from contextlib import suppress
from typing import Final

from pydantic import validate_email

from duet_common.errors import FieldErrorCode
from duet_common.web.field_errors import rejected

MAX_EMAIL_LENGTH: Final = 320
"""Characters, surrounding spaces included. Parsing a text takes quadratic time in the worst case,
so a longer one is refused before it is parsed."""


def normalize_email(text: str) -> str:
    """Return the address in lower case, in NFC, with its domain decoded from Punycode.

    Surrounding spaces are removed. The function is idempotent. Raises ValueError for anything that
    is not one address without a name.
    """
    # Of `Ada <ada@example.com>`, `validate_email` would keep the address.
    if len(text) <= MAX_EMAIL_LENGTH and "<" not in text:
        with suppress(ValueError):
            return validate_email(text)[1].lower()
    raise rejected(FieldErrorCode.INVALID_FORMAT, "must be an email address", format="email")


def stored_email(text: str) -> str:
    """Return the form in which this address would be stored, or the empty string if it is invalid.

    No user has an empty address, so looking it up takes the same time and finds nothing.
    """
    try:
        return normalize_email(text)
    except ValueError:
        return ""
