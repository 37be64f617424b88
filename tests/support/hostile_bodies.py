"""Bodies that every operation with a JSON body must refuse."""

from tests.support.raw_http import Request

MAX_BODY_BYTES = 1024 * 1024
JSON = b"Content-Type: application/json"
OPERATIONS = {
    ("POST", "/api/v1/posts"): "title",
    ("PATCH", "/api/v1/posts/{post}"): "content",
    ("PUT", "/api/v1/profiles/me"): "bio",
    ("PATCH", "/api/v1/profiles/me"): "display_name",
    ("POST", "/api/v1/auth/register"): "first_name",
    ("POST", "/api/v1/auth/refresh"): "refresh_token",
    ("PATCH", "/api/v1/users/me"): "last_name",
    ("PUT", "/api/v1/users/me/password"): "new_password",
}
_BODIES = {
    "nothing": b"",
    "spaces": b"   ",
    "no JSON": b"@=Engines",
    "cut off": b'{"@": "Eng',
    "a NUL byte": b'{"@": "\0"}',
    "an escaped NUL": b'{"@": "En\\u0000gines"}',
    "half a surrogate pair": b'{"@": "Engines \\ud800"}',
    "half a surrogate pair in a name": b'{"@\\udfff": "Engines"}',
    "no UTF-8": b'{"@": "\xff\xfe"}',
    "an overlong UTF-8 form": b'{"@": "\xc0\x80"}',
    "an array": b'["@"]',
    "a string": b'"@"',
    "null": b"null",
    "a number for text": b'{"@": 1}',
    "a list for text": b'{"@": ["Engines"]}',
    "an object for text": b'{"@": {"$gt": ""}}',
    "NaN": b'{"@": NaN}',
    "5,000 digits": b'{"@": ' + b"9" * 5000 + b"}",
    "a deep array": b'{"@": ' + b"[" * 50_000,
    "a deep object": b'{"@":' * 20_000,
    "an unknown field": b'{"@": "Engines!", "__proto__": {"is_superuser": true}}',
    "a name twice": b'{"@": "Engines!", "@": 1}',
    "text after it": b'{"@": "Engines!"} {}',
    "too long a text": b'{"@": "' + b"a" * 100_001 + b'"}',
}
_GOOD = b'{"@": "Engines!"}'
_TYPES = {
    "as plain text": b"Content-Type: text/plain",
    "as a form": b"Content-Type: application/x-www-form-urlencoded",
    "as multipart without a boundary": b"Content-Type: multipart/form-data",
    "as no type at all": b"Content-Type: \xff",
}


def _of(method: str, path: str, field: str) -> list[Request]:
    operation = f"{method} {path}: "
    name = field.encode()
    return [
        *(
            Request(operation + flaw, method, path, (JSON,), body.replace(b"@", name))
            for flaw, body in _BODIES.items()
        ),
        *(
            Request(operation + flaw, method, path, (header,), _GOOD.replace(b"@", name))
            for flaw, header in _TYPES.items()
        ),
        Request(
            operation + "a declared megabyte and more",
            *(method, path, (JSON, b"Content-Length: %d" % (MAX_BODY_BYTES + 1))),
        ),
        Request(
            operation + "a chunked megabyte and more",
            *(method, path, (JSON, b"Transfer-Encoding: chunked")),
            b"%x\r\n" % (MAX_BODY_BYTES + 1) + b" " * (MAX_BODY_BYTES + 1) + b"\r\n0\r\n\r\n",
        ),
    ]


BODIES = [
    request for (method, path), field in OPERATIONS.items() for request in _of(method, path, field)
]
