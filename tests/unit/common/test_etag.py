"""If-Match allows a change only to the version that the client has read (RFC 9110, 13.1.1)."""

import pytest

from duet_common.errors import PreconditionFailed
from duet_common.web.etag import check_if_match, etag_of

CURRENT = etag_of(3)


def test_an_etag_is_strong_and_quoted() -> None:
    assert CURRENT == '"3"'


@pytest.mark.parametrize(
    "header", [None, "*", " * ", '"3"', '"2", "3"', '"2","3","4"', ' "3" ', 'W/"2", "3"']
)
def test_no_header_a_wildcard_and_the_current_etag_are_accepted(header: str | None) -> None:
    check_if_match(header, CURRENT)


@pytest.mark.parametrize(
    "header", ["", '"2"', '"33"', "3", 'W/"3"', '"2", W/"3"', '""', "garbage", '"3', '3"', "'3'"]
)
def test_any_other_header_is_refused_with_the_current_etag(header: str) -> None:
    with pytest.raises(PreconditionFailed) as raised:
        check_if_match(header, CURRENT)

    assert raised.value.headers == {"ETag": CURRENT}
    assert raised.value.status == 412
