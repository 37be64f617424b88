"""Refresh tokens: one spelling each, a successor that only the server can compute."""

import base64
import hashlib

import pytest

from duet_auth.sessions.refresh_tokens import RefreshTokenMaker, RefreshTokenValue

MAKER = RefreshTokenMaker(bytes(32))


def test_a_token_is_256_bits_of_base64url() -> None:
    text = MAKER.first().reveal()

    assert len(text) == 43
    assert len(base64.urlsafe_b64decode(text + "=")) == 32


def test_no_two_first_tokens_are_alike() -> None:
    assert len({MAKER.first().reveal() for _ in range(100)}) == 100


def test_a_token_survives_its_trip_to_the_client() -> None:
    token = MAKER.first()

    assert RefreshTokenValue.parse(token.reveal()) == token


def test_what_is_stored_is_the_sha256_of_its_bytes() -> None:
    token = MAKER.first()

    raw = base64.urlsafe_b64decode(token.reveal() + "=")
    assert token.hash == hashlib.sha256(raw).digest()


def test_neither_repr_nor_str_shows_it() -> None:
    token = MAKER.first()

    for shown in (repr(token), str(token), f"{token}"):
        assert token.reveal() not in shown
        assert shown == "RefreshTokenValue(…)"


def test_a_successor_is_the_same_every_time_and_not_its_predecessor() -> None:
    token = MAKER.first()

    assert MAKER.successor(token) == MAKER.successor(token)
    assert MAKER.successor(token) not in (token, MAKER.successor(MAKER.successor(token)))


def test_another_key_makes_another_successor() -> None:
    token = MAKER.first()

    assert RefreshTokenMaker(b"k" * 32).successor(token) != MAKER.successor(token)


@pytest.mark.parametrize(
    "text",
    [
        *("", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + " ", "ü" * 43, "\ud800" * 43),
        *("+" * 43, "/" * 43, "A" * 42 + "\n", "A" * 42 + "."),
    ],
    ids=ascii,
)
def test_what_has_not_its_form_is_no_token(text: str) -> None:
    assert RefreshTokenValue.parse(text) is None


def test_a_token_has_one_spelling() -> None:
    text = RefreshTokenValue(bytes(32)).reveal()

    assert text == "A" * 43
    assert RefreshTokenValue.parse("A" * 42 + "B") is None  # the same 256 bits, and two to spare
