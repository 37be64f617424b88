"""Bodies refuse unknown fields and text that PostgreSQL cannot store. Times are in UTC."""

import uuid

import pytest
from pydantic import ValidationError

from duet_common.ids import new_id
from duet_common.testing.clock import FrozenClock
from duet_common.web.schemas import NonBlank, PlainText, RequestModel, ResponseModel, UtcTime


class Body(RequestModel):
    text: PlainText = ""
    title: NonBlank = "a title"


class TimeResponse(ResponseModel):
    at: UtcTime


@pytest.mark.parametrize(
    "text", ["", " ", "ü", "🦊", "line\nbreak", "\x01", "\ufffd", "\U0010ffff"]
)
def test_text_that_postgresql_can_store_is_accepted(text: str) -> None:
    assert Body(text=text).text == text


@pytest.mark.parametrize("field", ["text", "title"])
@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "a\udfffb"], ids=ascii)
def test_text_that_postgresql_cannot_store_is_refused(field: str, text: str) -> None:
    with pytest.raises(ValidationError, match=field):
        Body.model_validate({field: text})


@pytest.mark.parametrize("title", ["", " ", "\n\t", "\u3000"])
def test_a_blank_title_is_refused(title: str) -> None:
    with pytest.raises(ValidationError, match="must not be blank"):
        Body(title=title)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Body.model_validate({"is_superuser": True})


def test_an_error_does_not_repeat_the_input() -> None:
    with pytest.raises(ValidationError) as raised:
        Body.model_validate({"title": ["secret words"]})

    assert "secret words" not in str(raised.value)


def test_a_time_is_serialized_in_utc() -> None:
    assert TimeResponse(at=FrozenClock()()).model_dump_json() == '{"at":"2026-07-01T12:00:00Z"}'


def test_ids_are_uuidv7_in_ascending_order() -> None:
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert {id_.version for id_ in ids} == {7}
    assert all(type(id_) is uuid.UUID for id_ in ids)
