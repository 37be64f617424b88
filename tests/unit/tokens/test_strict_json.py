"""JSON that two parsers could read in two ways is not read at all."""

import pytest

from duet_common.tokens.strict_json import JsonObject, parse_object

REFUSED = {
    "nothing": b"",
    "spaces": b"  ",
    "an array": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "null": b"null",
    "equal names": b'{"a":1,"a":1}',
    "equal names, one escaped": b'{"a":1,"\\u0061":2}',
    "equal names further in": b'{"a":[{"b":1,"b":2}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":[-Infinity]}',
    "two objects": b"{}{}",
    "a trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a comment": b"{}//",
    "an open object": b'{"a":',
    "a line break in a string": b'{"a":"\n"}',
    "invalid UTF-8": b'{"a":"\xff"}',
    "an encoded surrogate": b'{"a":"\xed\xa0\x80"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "UTF-32": "{}".encode("utf-32"),
    "arrays nested deeply": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects nested deeply": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "an integer of 5,000 digits": b'{"a":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_anything_else_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is the type, not the words
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
def test_an_object_is_read(data: bytes, expected: JsonObject) -> None:
    assert parse_object(data) == expected
