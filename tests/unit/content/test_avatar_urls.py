"""An avatar's URL is https, and stored in the one form in which it was checked."""

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
def test_it_is_stored_as_it_was_understood(given: str, stored: str) -> None:
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
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        ProfilePut(avatar_url=given)


def test_its_length_is_that_of_the_stored_form() -> None:
    longest = "https://example.com/" + "%C3%A9" * 338
    assert len(longest) == 2048
    assert ProfilePut(avatar_url="https://example.com/" + "é" * 338).avatar_url == longest
    with pytest.raises(ValidationError):
        ProfilePut(avatar_url="https://example.com/" + "é" * 339)
