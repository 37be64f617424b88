"""Entity tags and the conditional requests that use them (RFC 9110, sections 8.8.3 and 13.1).

All tags are strong. `If-Match` makes a write conditional. With `If-None-Match`, the response to a
read is 304 without a body if the client already has the current representation.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Final, Protocol, TypeVar

from fastapi import Header, Response
from pydantic import AfterValidator, BaseModel
from pydantic.json_schema import SkipJsonSchema

from duet_common.errors import PreconditionFailed

_TAGS: Final = re.compile(r'(?:^|,)[ \t]*((?:W/)?"[\x21\x23-\x7e]*")[ \t]*(?=,|$)')
_MAX_LENGTH: Final = 1024

# `no-cache`: a stored response is revalidated before each use, because the resource and the
# permission to read it can change at any time. `private`: shared caches do not store it, because a
# draft has the URL of the post that it becomes.
_CACHE_CONTROL: Final = "private, no-cache"

_DOCUMENTATION: Final = {
    "ETag": {
        "description": "the strong entity tag of the representation, for `If-Match` and "
        "`If-None-Match`",
        "required": True,
        "schema": {"type": "string"},
    }
}
WITH_ETAG: Final[dict[str, object]] = {"headers": _DOCUMENTATION}
"""FastAPI's `responses` entry for the successful response of an operation that sends an `ETag`."""
NOT_MODIFIED: Final[dict[str, object]] = {"description": "Not modified", **WITH_ETAG}
"""FastAPI's `responses` entry for 304."""


def _none_if_any(if_match: str | None) -> str | None:
    return None if if_match is None or if_match.strip() == "*" else if_match


IfMatch = Annotated[
    str | SkipJsonSchema[None],  # a header cannot be null
    Header(
        alias="If-Match",
        max_length=_MAX_LENGTH,
        description="the `ETag` of the representation that you read, or `*`",
    ),
    # `*` requires that the resource exists, and every endpoint requires that without it.
    AfterValidator(_none_if_any),
]
"""The `If-Match` header, or None if it is absent or `*`, so that it allows any representation."""

IfNoneMatch = Annotated[
    str | SkipJsonSchema[None],
    Header(
        alias="If-None-Match",
        max_length=_MAX_LENGTH,
        description="the `ETag` of the representation that you have: the response is 304 if it is "
        "still current",
    ),
]


class Tagged(Protocol):
    """A response body that knows its entity tag."""

    @property
    def etag(self) -> str: ...


T = TypeVar("T", bound=Tagged)


def etag_of(model: BaseModel, prefix: str = "") -> str:
    """Return a strong entity tag that consists of the prefix and a hash of the model's JSON."""
    # `model_dump_json` decodes the JSON to a string, and a read would take 1 µs longer.
    content = model.__pydantic_serializer__.to_json(model)
    return f'"{prefix}{blake2b(content, digest_size=8).hexdigest()}"'


def check_if_match(if_match: str, current: str) -> None:
    """Raise `PreconditionFailed` unless the header contains the current tag.

    The comparison is strong: a weak tag never matches.
    """
    if current not in _TAGS.findall(if_match):
        raise PreconditionFailed(headers={"ETag": current})


def not_modified(if_none_match: str | None, headers: Mapping[str, str]) -> Response | None:
    """Return a 304 with these headers if the request header contains their `ETag` or is `*`.

    The comparison is weak: `W/"1"` matches `"1"`. A proxy that compresses may weaken a tag.
    """
    if if_none_match is None:
        return None
    tags = [tag.removeprefix("W/") for tag in _TAGS.findall(if_none_match)]
    if headers["ETag"] in tags or if_none_match.strip() == "*":
        return Response(status_code=304, headers=headers)
    return None


def with_etag(body: T, response: Response) -> T:
    """Add the body's tag to the response, and return the body."""
    response.headers["ETag"] = body.etag
    return body


def unless_not_modified(body: T, if_none_match: str | None, response: Response) -> T | Response:
    """Return a 304, or the body after its tag and `Cache-Control` were added to the response.

    An endpoint returns the result, and declares the body's type as its `response_model`.
    """
    headers = {"ETag": body.etag, "Cache-Control": _CACHE_CONTROL}
    unchanged = not_modified(if_none_match, headers)
    if unchanged is not None:
        return unchanged
    response.headers.update(headers)
    return body
