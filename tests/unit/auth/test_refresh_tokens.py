"""A refresh token has one spelling and a successor that only the server can compute."""

import base64
import hashlib

import pytest

from duet_auth.sessions.refresh_tokens import RefreshTokenMaker, RefreshTokenValue

MAKER = RefreshTokenMaker(bytes(32))


def test_a_token_is_256_bits_of_base64url() -> None:
    text = MAKER.first().reveal()

    assert len(text) == 43
    assert len(base64.urlsafe_b64decode(text + "=")) == 32


def test_new_tokens_are_unique() -> None:
    assert len({MAKER.first().reveal() for _ in range(100)}) == 100


def test_a_token_can_be_parsed_from_its_text() -> None:
    token = MAKER.first()

    assert RefreshTokenValue.parse(token.reveal()) == token


def test_the_stored_hash_is_the_sha256_of_the_token_bytes() -> None:
    token = MAKER.first()

    raw = base64.urlsafe_b64decode(token.reveal() + "=")
    assert token.hash == hashlib.sha256(raw).digest()


def test_repr_and_str_do_not_reveal_the_token() -> None:
    token = MAKER.first()

    for text in (repr(token), str(token), f"{token}"):
        assert token.reveal() not in text
        assert text == "RefreshTokenValue(…)"


def test_the_successor_is_deterministic_and_differs_from_its_predecessor() -> None:
    token = MAKER.first()

    assert MAKER.successor(token) == MAKER.successor(token)
    assert MAKER.successor(token) not in (token, MAKER.successor(MAKER.successor(token)))


def test_another_server_key_gives_another_successor() -> None:
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
def test_malformed_text_is_not_a_token(text: str) -> None:
    assert RefreshTokenValue.parse(text) is None


def test_a_token_has_exactly_one_spelling() -> None:
    text = RefreshTokenValue(bytes(32)).reveal()

    assert text == "A" * 43
    assert RefreshTokenValue.parse("A" * 42 + "B") is None  # only the two unused bits differ
