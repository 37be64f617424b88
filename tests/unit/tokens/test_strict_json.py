"""JSON that two parsers could read differently is refused."""

import pytest

from duet_common.tokens.strict_json import JsonObject, parse_object

REFUSED = {
    "empty": b"",
    "only spaces": b"  ",
    "an array": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "null": b"null",
    "a duplicate name": b'{"a":1,"a":1}',
    "a duplicate name, once escaped": b'{"a":1,"\\u0061":2}',
    "a nested duplicate name": b'{"a":[{"b":1,"b":2}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":[-Infinity]}',
    "two objects": b"{}{}",
    "a trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a comment": b"{}//",
    "an unclosed object": b'{"a":',
    "a line break in a string": b'{"a":"\n"}',
    "invalid UTF-8": b'{"a":"\xff"}',
    "an encoded surrogate": b'{"a":"\xed\xa0\x80"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "UTF-32": "{}".encode("utf-32"),
    "deeply nested arrays": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deeply nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "an integer of 5,000 digits": b'{"a":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_ambiguous_or_invalid_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is the type, not the message
        parse_object(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{}", {}),
        (b' {"a" : [1, 2.5, true, null, "\\u00e9"]}\n', {"a": [1, 2.5, True, None, "\u00e9"]}),
        (b'{"a":{"b":1},"b":{"a":1}}', {"a": {"b": 1}, "b": {"a": 1}}),
        (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
    ],
)
def test_an_object_is_parsed(data: bytes, expected: JsonObject) -> None:
    assert parse_object(data) == expected
