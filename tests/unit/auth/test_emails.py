"""Every spelling of an email address has the same form, and everything else is refused quickly."""

import sys
from unicodedata import normalize

import pytest
from pydantic import TypeAdapter, ValidationError

from duet_auth.users import emails
from duet_auth.users.emails import MAX_EMAIL_LENGTH, normalize_email, stored_email
from duet_auth.users.schemas import Email

SPELLINGS = {
    "ada@example.com": [
        "ada@example.com",
        "ADA@Example.COM",
        " ada@example.com\t",
        "ada@\uff25XAMPLE.com",
    ],
    "ada@bücher.example": [
        *("ada@bücher.example", "ADA@BÜCHER.example", "ada@xn--bcher-kva.example"),
        *("ada@XN--BCHER-KVA.EXAMPLE", "ada@bu\u0308cher.example", "ada@\uff42ücher\u3002example"),
    ],
    "josé@example.com": ["josé@example.com", "jose\u0301@example.com", "JOSE\u0301@example.com"],
}


@pytest.mark.parametrize(
    ("spelling", "form"),
    [(spelling, form) for form, spellings in SPELLINGS.items() for spelling in spellings],
)
def test_each_spelling_of_an_address_has_the_same_form(spelling: str, form: str) -> None:
    assert normalize_email(spelling) == form
    assert stored_email(spelling) == form
    assert TypeAdapter(Email).validate_python(spelling) == form


def test_the_form_of_an_address_is_its_own_form() -> None:
    """For every character that lower case or NFC replaces, in the local part and in the domain."""
    replaced = [
        character
        for character in map(chr, range(0x80, sys.maxunicode + 1))
        if normalize("NFC", character).lower() != character
    ]
    forms = {
        stored_email(address.format(character))
        for character in replaced
        for address in ("x{}@example.com", "x@y{}.example")
    }
    assert len(forms) > 1000
    assert {form for form in forms if stored_email(form) != form} == set()


@pytest.mark.parametrize(
    "text",
    [
        *("", "ada", "ada@", "@example.com", "ada@example", "ada @example.com", "a\0@example.com"),
        *(
            "ada@example.com\n",
            "ada@xn--a.example",
            "ada@example.com.",
            "ada@[127.0.0.1]",
            "\ud800",
        ),
        *("Ada <ada@example.com>", "<ada@example.com>", "ada@localhost", "ada@a.com,b@b.com"),
    ],
)
def test_anything_but_one_address_without_a_name_is_refused(text: str) -> None:
    assert stored_email(text) == ""
    with pytest.raises(ValidationError, match="must be an email address"):
        TypeAdapter(Email).validate_python(text)


def test_the_length_of_an_address_is_limited_with_its_surrounding_spaces() -> None:
    address = "ada@example.com"

    assert stored_email(address.rjust(MAX_EMAIL_LENGTH)) == address
    assert stored_email(address.rjust(MAX_EMAIL_LENGTH + 1)) == ""


def test_a_huge_text_is_refused_without_being_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emails, "validate_email", pytest.fail)

    assert stored_email(" " * 1_000_000 + "a") == ""
