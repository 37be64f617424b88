"""Requests whose body every operation that takes JSON must refuse."""

from collections.abc import Iterator

from tests.support.openapi import OPERATIONS, Operation
from tests.support.raw_http import Request

MAX_BODY_BYTES = 1024 * 1024
JSON = b"Content-Type: application/json"
_BODIES = {
    "empty": b"",
    "spaces": b"   ",
    "not JSON": b"@=Engines",
    "truncated JSON": b'{"@": "Eng',
    "a NUL byte": b'{"@": "\0"}',
    "an escaped NUL": b'{"@": "En\\u0000gines"}',
    "a lone surrogate": b'{"@": "Engines \\ud800"}',
    "a lone surrogate in a name": b'{"@\\udfff": "Engines"}',
    "not UTF-8": b'{"@": "\xff\xfe"}',
    "an overlong UTF-8 sequence": b'{"@": "\xc0\x80"}',
    "an array": b'["@"]',
    "a string": b'"@"',
    "null": b"null",
    "a number instead of text": b'{"@": 1}',
    "a list instead of text": b'{"@": ["Engines"]}',
    "an object instead of text": b'{"@": {"$gt": ""}}',
    "NaN": b'{"@": NaN}',
    "a number of 5,000 digits": b'{"@": ' + b"9" * 5000 + b"}",
    "deeply nested arrays": b'{"@": ' + b"[" * 50_000,
    "deeply nested objects": b'{"@":' * 20_000,
    "an unknown field": b'{"@": "Engines!", "__proto__": {"is_superuser": true}}',
    "a duplicate name": b'{"@": "Engines!", "@": 1}',
    "text after the JSON": b'{"@": "Engines!"} {}',
    "text over the maximum length": b'{"@": "' + b"a" * 100_001 + b'"}',
}
_VALID_BODY = b'{"@": "Engines!"}'
_TYPES = {
    "sent as plain text": b"Content-Type: text/plain",
    "sent as a form": b"Content-Type: application/x-www-form-urlencoded",
    "sent as multipart without a boundary": b"Content-Type: multipart/form-data",
    "sent with a type that is not ASCII": b"Content-Type: \xff",
}


def _text_property(operation: Operation) -> str | None:
    """The first property of the JSON body that takes text, or None."""
    for name, schema in operation.json_properties().items():
        if any(kind.get("type") == "string" for kind in schema.get("anyOf", [schema])):
            return name
    return None


def _requests(operation: Operation) -> Iterator[Request]:
    field = _text_property(operation)
    if field is not None:
        yield from _requests_for(operation.method.upper(), operation.path, field)


def _requests_for(method: str, path: str, field: str) -> list[Request]:
    operation = f"{method} {path}: "
    name = field.encode()
    return [
        *(
            Request(operation + flaw, method, path, (JSON,), body.replace(b"@", name))
            for flaw, body in _BODIES.items()
        ),
        *(
            Request(operation + flaw, method, path, (header,), _VALID_BODY.replace(b"@", name))
            for flaw, header in _TYPES.items()
        ),
        Request(
            operation + "a declared length over the maximum length",
            *(method, path, (JSON, b"Content-Length: %d" % (MAX_BODY_BYTES + 1))),
        ),
        Request(
            operation + "a chunked body over the maximum length",
            *(method, path, (JSON, b"Transfer-Encoding: chunked")),
            b"%x\r\n" % (MAX_BODY_BYTES + 1) + b" " * (MAX_BODY_BYTES + 1) + b"\r\n0\r\n\r\n",
        ),
    ]


HOSTILE_BODIES = [request for operation in OPERATIONS for request in _requests(operation)]
