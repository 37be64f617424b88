"""Optimistic concurrency: a change is allowed only to what was read (RFC 9110, 13.1.1)."""

import pytest

from duet_common.errors import PreconditionFailed
from duet_common.web.etag import check_if_match, etag_of

CURRENT = etag_of(3)


def test_a_tag_is_strong_and_quoted() -> None:
    assert CURRENT == '"3"'


@pytest.mark.parametrize(
    "header", [None, "*", " * ", '"3"', '"2", "3"', '"2","3","4"', ' "3" ', 'W/"2", "3"']
)
def test_what_names_the_current_version_passes(header: str | None) -> None:
    check_if_match(header, CURRENT)


@pytest.mark.parametrize(
    "header", ["", '"2"', '"33"', "3", 'W/"3"', '"2", W/"3"', '""', "garbage", '"3', '3"', "'3'"]
)
def test_anything_else_fails_and_tells_the_current_one(header: str) -> None:
    with pytest.raises(PreconditionFailed) as raised:
        check_if_match(header, CURRENT)

    assert raised.value.headers == {"ETag": CURRENT}
    assert raised.value.status == 412
