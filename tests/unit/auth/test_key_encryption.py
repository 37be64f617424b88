"""Stored private keys can be decrypted only with the right key and under the right kid."""

import pytest

from duet_auth.keys.encryption import KeyEncryption, WrongKeyEncryptionKey

PEM = b"-----BEGIN PRIVATE KEY-----"
ENCRYPTION = KeyEncryption(bytes(32))


def test_decryption_returns_the_encrypted_private_key() -> None:
    assert ENCRYPTION.decrypt(ENCRYPTION.encrypt(PEM, "kid"), "kid") == PEM


def test_the_ciphertext_does_not_contain_the_private_key() -> None:
    assert PEM[:8] not in ENCRYPTION.encrypt(PEM, "kid")


def test_encrypting_the_same_key_twice_gives_different_ciphertexts() -> None:
    assert ENCRYPTION.encrypt(PEM, "kid") != ENCRYPTION.encrypt(PEM, "kid")


def test_decryption_with_another_key_fails_and_names_the_setting() -> None:
    with pytest.raises(WrongKeyEncryptionKey, match="with this KEY_ENCRYPTION_KEY") as raised:
        KeyEncryption(b"k" * 32).decrypt(ENCRYPTION.encrypt(PEM, "kid"), "kid")

    assert "signing key kid" in str(raised.value)


def test_a_private_key_cannot_be_decrypted_under_another_kid() -> None:
    with pytest.raises(WrongKeyEncryptionKey):
        ENCRYPTION.decrypt(ENCRYPTION.encrypt(PEM, "kid"), "another")


@pytest.mark.parametrize("index", [0, 11, 12, 30, -1])
def test_a_modified_ciphertext_is_refused(index: int) -> None:
    stored = bytearray(ENCRYPTION.encrypt(PEM, "kid"))
    stored[index] ^= 1

    with pytest.raises(WrongKeyEncryptionKey):
        ENCRYPTION.decrypt(bytes(stored), "kid")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_truncated_ciphertext_is_refused(length: int) -> None:
    with pytest.raises(WrongKeyEncryptionKey):
        ENCRYPTION.decrypt(ENCRYPTION.encrypt(PEM, "kid")[:length], "kid")
