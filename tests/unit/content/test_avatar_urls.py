"""An avatar URL uses https and is stored in its normalized form."""

import pytest
from pydantic import ValidationError

from duet_content.profiles.schemas import ProfilePut


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("https://example.com/ada.png", "https://example.com/ada.png"),
        ("HTTPS://EXAMPLE.com", "https://example.com/"),
        (" https://example.com/\t", "https://example.com/"),
        ("https:\\\\example.com\\ada.png", "https://example.com/ada.png"),
        ("https://bücher.example/é", "https://xn--bcher-kva.example/%C3%A9"),
        ("https://example.com/a/../b", "https://example.com/b"),
    ],
)
def test_an_avatar_url_is_stored_normalized(given: str, stored: str) -> None:
    assert ProfilePut(avatar_url=given).avatar_url == stored


@pytest.mark.parametrize(
    "given",
    [
        "http://example.com/",
        "javascript:alert(1)//https://",
        "java\nscript:alert(1)",
        "blob:https://example.com/1",
        "ftp://example.com/",
        "example.com",
        "https://",
        "https://exa mple.com/",
        "https://example.com:99999/",
    ],
)
def test_a_url_that_is_not_valid_https_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        ProfilePut(avatar_url=given)


def test_the_maximum_length_applies_to_the_stored_url() -> None:
    maximum = "https://example.com/" + "%C3%A9" * 338
    assert len(maximum) == 2048
    assert ProfilePut(avatar_url="https://example.com/" + "é" * 338).avatar_url == maximum
    with pytest.raises(ValidationError):
        ProfilePut(avatar_url="https://example.com/" + "é" * 339)
