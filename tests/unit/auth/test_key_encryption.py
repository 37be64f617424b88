"""Private keys at rest: readable with the right key and under the right name only."""

import pytest

from duet_auth.keys.encryption import KeyEncryption, WrongKeyEncryptionKey

PEM = b"-----BEGIN PRIVATE KEY-----"
ENCRYPTION = KeyEncryption(bytes(32))


def test_what_was_encrypted_is_decrypted() -> None:
    assert ENCRYPTION.decrypt(ENCRYPTION.encrypt(PEM, "kid"), "kid") == PEM


def test_nothing_of_the_key_shows() -> None:
    assert PEM[:8] not in ENCRYPTION.encrypt(PEM, "kid")


def test_the_same_key_is_encrypted_differently_each_time() -> None:
    assert ENCRYPTION.encrypt(PEM, "kid") != ENCRYPTION.encrypt(PEM, "kid")


def test_another_key_decrypts_nothing_and_names_the_setting() -> None:
    with pytest.raises(WrongKeyEncryptionKey, match="with this KEY_ENCRYPTION_KEY") as raised:
        KeyEncryption(b"k" * 32).decrypt(ENCRYPTION.encrypt(PEM, "kid"), "kid")

    assert "signing key kid" in str(raised.value)


def test_a_key_is_bound_to_its_name() -> None:
    with pytest.raises(WrongKeyEncryptionKey):
        ENCRYPTION.decrypt(ENCRYPTION.encrypt(PEM, "kid"), "another")


@pytest.mark.parametrize("place", [0, 11, 12, 30, -1])
def test_a_changed_byte_is_noticed(place: int) -> None:
    stored = bytearray(ENCRYPTION.encrypt(PEM, "kid"))
    stored[place] ^= 1

    with pytest.raises(WrongKeyEncryptionKey):
        ENCRYPTION.decrypt(bytes(stored), "kid")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_cut_value_is_noticed(length: int) -> None:
    with pytest.raises(WrongKeyEncryptionKey):
        ENCRYPTION.decrypt(ENCRYPTION.encrypt(PEM, "kid")[:length], "kid")
