"""Optimistic concurrency with `ETag` and `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1)."""

import re
from typing import Annotated, Final

from fastapi import Header

from duet_common.errors import PreconditionFailed

_TAGS: Final = re.compile(r'(?:^|,)[ \t]*((?:W/)?"[\x21\x23-\x7e]*")[ \t]*(?=,|$)')

IfMatch = Annotated[
    str | None,
    Header(
        max_length=1024,
        description='the `ETag` of the version that you read, such as `"3"`, or `*`',
    ),
]


def etag_of(version: int) -> str:
    """Return the strong entity tag for a row's version."""
    return f'"{version}"'


def check_if_match(if_match: str | None, current: str) -> None:
    """Raise `PreconditionFailed` unless the header is absent, `*`, or contains the current tag.

    The comparison is strong: a weak tag never matches.
    """
    if if_match is None or if_match.strip() == "*":
        return
    if current not in _TAGS.findall(if_match):
        raise PreconditionFailed(headers={"ETag": current})
