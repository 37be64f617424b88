"""Requests with hostile paths, queries, headers, methods and bytes.

Some of them succeed, but none may cause a server error or change what is stored.
`BROKEN_REQUESTS` are written byte by byte, because no client library would send them.
"""

from tests.support.raw_http import Request

_POST = "/api/v1/posts/{post_id}"
_PATHS = (
    *("/%", "/%00", "/%2e%2e/%2e%2e/etc/passwd", "//evil.test/", "/\\evil.test", "/nowhere"),
    *("/livez", "/readyz", "/metrics", "/internal/events"),
    *("/docs/../../etc/passwd", "/docs/..%2f..%2fetc%2fpasswd"),
    *("/.well-known/", "/.well-known/../api/v1/users/me/nothing"),
    *("/API/V1/POSTS", "/api/v1//posts", "/api/v1/posts/", "/api/v1/posts//"),
    *("/api/v1/posts/%00", "/api/v1/posts/%", "/api/v1/posts/%zz", "/api/v1/posts/%ff%fe"),
    *("/api/v1/posts/..", "/api/v1/posts/../users/me", "/api/v1/posts/..%2fusers%2fme"),
    *("/api/v1/posts/%2e%2e/users/me", f"{_POST}%00", f"{_POST};a=b", f"{_POST}/publish/.."),
    *("/api/v1/profiles/me%00", "/api/v1/profiles/%00", "/api/v1/profiles/me/..%2f"),
    *("/api/v1/users/me%2fsessions", "/api/v1/auth/%2e%2e/users", "/api/v1/auth/login/x"),
    "/api/v1/posts/" + "a" * 20_000,
)
_QUERIES = (
    *("limit=%00", "limit=1e9", "limit=0x10", "limit=1&limit=abc", "limit=%ff", "limit"),
    *("cursor=%00", "cursor=%ed%a0%80", "cursor=%", "cursor=../..", "cursor=AAAA"),
    *("author=me%00", "author=%00", "author=' OR 1=1 --".replace(" ", "+"), "author=me&author=x"),
    *("status=draft%00", "status=", "status=draft&author=%ff"),
)
_HEADERS = {
    "two invalid tokens": (b"Authorization: Bearer bad", b"Authorization: Bearer worse"),
    "a token that is not ASCII": (b"Authorization: Bearer \xff\xfe",),
    "a token with spaces": (b"Authorization: Bearer a b c",),
    "a scheme without a token": (b"Authorization: Bearer",),
    "a token of 100 KB": (b"Authorization: Bearer " + b"a" * 100_000,),
    "a header of 100 KB": (b"X-Long: " + b"a" * 100_000,),
    "1,000 headers": tuple(b"X-%d: 1" % number for number in range(1000)),
    "a request id with a quotation mark": (b'X-Request-ID: 12345678"><script>',),
    "a request id of 10 KB": (b"X-Request-ID: " + b"1" * 10_000,),
    "a forwarded address that is not an address": (b"X-Forwarded-For: , ;evil",),
    "a forwarded host": (b"X-Forwarded-Host: evil.test", b"Forwarded: host=evil.test"),
    "a method override": (b"X-HTTP-Method-Override: DELETE",),
    "an invalid trace parent": (b"traceparent: 00-zz-zz-zz", b"tracestate: \xff"),
    "an invalid range": (b"Range: bytes=0-1,5-\xff",),
}
_HOSTS = {"a bracket": b"[", "a path": b"a/b?c=d", "not ASCII": b"\xff", "a bad port": b"a:99999"}
_TAGS = {
    "not ASCII": b"\xff\xfe",
    "over the maximum length": b'"1",' * 600 + b'"1"',
    "an unclosed quotation mark": b'"',
}
_METHODS = ("OPTIONS", "TRACE", "PUT", "DELETE", "PROPFIND", "PURGE")
_LOGINS = {
    "JSON instead of a form": (b"Content-Type: application/json", b'{"username": "a"}'),
    "multipart without a boundary": (b"Content-Type: multipart/form-data", b"--x--"),
    "truncated multipart": (b"Content-Type: multipart/form-data; boundary=x", b"--x\r\nA"),
    "NUL in the username": (b"Content-Type: application/x-www-form-urlencoded", b"username=%00"),
    "NUL in the username and the password": (
        b"Content-Type: application/x-www-form-urlencoded",
        b"username=a%00@example.com&password=%00",
    ),
    "bytes that are not UTF-8": (
        b"Content-Type: application/x-www-form-urlencoded",
        b"username=%ff%fe@example.com&password=%ff",
    ),
    "10,000 fields": (b"Content-Type: application/x-www-form-urlencoded", b"username=a&" * 10_000),
}
_START = b"POST /api/v1/posts HTTP/1.1\r\nHost: duet.test\r\nConnection: close\r\n{bearer}\r\n"
_JSON = b"Content-Type: application/json\r\n"
_RAW = {
    "a TLS ClientHello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    "NUL bytes": bytes(64),
    "HTTP/0.9": b"GET /api/v1/posts\r\n\r\n",
    "HTTP/9.9": b"GET /api/v1/posts HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP/1.0 without a host": b"GET /api/v1/posts/1 HTTP/1.0\r\n\r\n",
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a path that is not ASCII": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a query that is not ASCII": b"GET /api/v1/posts?limit=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "the asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "the CONNECT method": b"CONNECT evil.test:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method in lower case": b"get /api/v1/posts HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": _START + b"Nonsense\r\n\r\n",
    "NUL in a header": _START + b"X: \0\r\n\r\n",
    "a space before the colon": _START + b"Content-Length : 2\r\n\r\n{}",
    "a negative Content-Length": _START + b"Content-Length: -1\r\n\r\n",
    "a Content-Length of 30 digits": _START + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "two values of Content-Length": _START + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "Content-Length and Transfer-Encoding": _START
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown transfer coding": _START + b"Transfer-Encoding: evil\r\n\r\n",
    "a chunk size that is not a number": _START
    + _JSON
    + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "a negative chunk size": _START + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a chunk size of 80 bits": _START
    + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{}",
}
_CUT_OFF = {
    "a truncated method": b"POS",
    "headers without a final empty line": _START + b"X-Never: en",
    "half of the body": _START + _JSON + b'Content-Length: 200\r\n\r\n{"title": "Engines"}',
    "chunks without the last one": _START
    + _JSON
    + b'Transfer-Encoding: chunked\r\n\r\n14\r\n{"title": "Engines"}\r\n',
}

HOSTILE_REQUESTS = [
    *(Request(f"GET {path[:60]}", path=path) for path in _PATHS),
    *(Request(f"POST {path[:60]}", "POST", path) for path in (f"{_POST}/publish%00", "/docs")),
    *(Request(f"list posts: {query}", path=f"/api/v1/posts?{query}") for query in _QUERIES),
    *(Request(f"header: {name}", headers=headers) for name, headers in _HEADERS.items()),
    *(Request(f"Host: {name}", path="/api/v1/posts/1", host=host) for name, host in _HOSTS.items()),
    *(
        Request(f"If-Match: {name}", "DELETE", _POST, (b"If-Match: " + value,))
        for name, value in _TAGS.items()
    ),
    *(
        Request(f"If-None-Match: {name}", path=_POST, headers=(b"If-None-Match: " + value,))
        for name, value in _TAGS.items()
    ),
    *(Request(f"{method} /api/v1/posts", method) for method in _METHODS),
    *(
        Request(f"log in: {name}", "POST", "/api/v1/auth/login", (kind,), body)
        for name, (kind, body) in _LOGINS.items()
    ),
]
BROKEN_REQUESTS = [
    *(Request(name, raw=raw) for name, raw in _RAW.items()),
    *(Request(f"cut off: {name}", raw=raw, cut_off=True) for name, raw in _CUT_OFF.items()),
]
