"""Entity tags are compared as RFC 9110 requires: strongly by If-Match, weakly by If-None-Match."""

import re

import pytest
from fastapi import Response
from pydantic import BaseModel, Field

from duet_common.errors import PreconditionFailed
from duet_common.web.etag import check_if_match, etag_of, not_modified, unless_not_modified

CURRENT = '"3"'


class Body(BaseModel):
    name: str | None
    url: str | None = None
    hidden: int = Field(0, exclude=True)

    @property
    def etag(self) -> str:
        return etag_of(self)


def test_an_etag_is_strong_quoted_and_short() -> None:
    assert re.fullmatch(r'"[0-9a-f]{16}"', etag_of(Body(name="Ada")))


def test_an_etag_starts_with_its_prefix() -> None:
    plain = etag_of(Body(name="Ada"))
    assert etag_of(Body(name="Ada"), "3-") == f'"3-{plain[1:]}'


def test_the_same_body_has_the_same_etag() -> None:
    assert etag_of(Body(name="Ada", hidden=1)) == etag_of(Body(name="Ada", hidden=2))


def test_different_bodies_have_different_etags() -> None:
    bodies = [
        Body(name=name, url=url)
        for name, url in [(None, None), ("a", None), (None, "a"), ("", "a"), ("a", ""), ("", "")]
    ]
    assert len({etag_of(body) for body in bodies}) == len(bodies)


@pytest.mark.parametrize("header", ['"3"', '"2", "3"', '"2","3","4"', ' "3" ', 'W/"2", "3"'])
def test_if_match_with_the_current_etag_is_accepted(header: str) -> None:
    check_if_match(header, CURRENT)


@pytest.mark.parametrize(
    "header", ["", '"2"', '"33"', "3", 'W/"3"', '"2", W/"3"', '""', "garbage", '"3', '3"', "'3'"]
)
def test_any_other_if_match_is_refused_with_the_current_etag(header: str) -> None:
    with pytest.raises(PreconditionFailed) as raised:
        check_if_match(header, CURRENT)

    assert raised.value.headers == {"ETag": CURRENT}
    assert raised.value.status == 412


@pytest.mark.parametrize("header", ['"3"', 'W/"3"', '"2", W/"3"', '"2","3"', "*", " * "])
def test_if_none_match_with_the_current_etag_is_answered_with_304(header: str) -> None:
    headers = {"ETag": CURRENT, "Cache-Control": "no-cache"}
    response = not_modified(header, headers)

    assert response is not None
    assert response.status_code == 304
    assert response.body == b""
    assert dict(response.headers) == {"etag": CURRENT, "cache-control": "no-cache"}


@pytest.mark.parametrize(
    "header", [None, "", '"2"', '"33"', "3", 'w/"3"', 'W/"33"', '""', '"3', "'3'", '*, "2"']
)
def test_any_other_if_none_match_is_not_answered_with_304(header: str | None) -> None:
    assert not_modified(header, {"ETag": CURRENT}) is None


def test_a_304_has_the_etag_and_cache_control_of_the_200() -> None:
    body, response = Body(name="Ada"), Response()
    assert unless_not_modified(body, None, response) is body
    unchanged = unless_not_modified(body, body.etag, Response())

    assert isinstance(unchanged, Response)
    for name in ("etag", "cache-control"):
        assert unchanged.headers[name] == response.headers[name]
