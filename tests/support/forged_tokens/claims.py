"""Forgeries with a valid header and signature, of which only the claims are wrong."""

import json
import math
import uuid

from duet_common.tokens.strict_json import JsonValue
from tests.support.forged_tokens.forge import Forge, Tokens, compact_json, without


def bad_claims(forge: Forge) -> Tokens:
    return {
        **{f"no {name}": forge.jws(payload=without(forge.claims, name)) for name in forge.claims},
        **_bad_payloads(forge),
        **_bad_times(forge),
        **_bad_ids(forge),
        **_bad_scopes(forge),
    }


def _bad_payloads(forge: Forge) -> Tokens:
    good = compact_json(forge.claims)
    texts = {
        "duplicate sub": f'"sub":"{uuid.UUID(int=0)}"',
        "duplicate exp": f'"exp":{forge.now + 3000}',
        "duplicate scope, one escaped": '"\\u0073cope":"*"',
        "an unknown claim": '"admin":true',
        "a deeply nested unknown claim": f'"x":{"[" * 1200}{"]" * 1200}',
        "an unknown claim with a lone surrogate": '"x":"\\ud800"',
        "a name with a lone surrogate": '"\\udfff":1',
        "NaN": '"x":NaN',
    }
    return {
        **{f"claims with {name}": forge.with_claims_text(text) for name, text in texts.items()},
        "claims that are an array": forge.jws(payload=b"[" + good + b"]"),
        "claims that are a string": forge.jws(payload=compact_json(good.decode())),
        "claims that are null": forge.jws(payload=b"null"),
        "claims that are not JSON": forge.jws(payload=b"sub=1&scope=*"),
        "claims with text after them": forge.jws(payload=good + b"{}"),
        "claims in single quotes": forge.jws(payload=good.replace(b'"', b"'")),
        "claims that are not UTF-8": forge.jws(payload=good[:-1] + b',"x":"\xff"}'),
        "claims in UTF-16": forge.jws(payload=good.decode().encode("utf-16")),
        "claims with a byte order mark": forge.jws(payload=b"\xef\xbb\xbf" + good),
        "claims that are not closed": forge.jws(payload=b'{"a":' * 500),
    }


def _bad_times(forge: Forge) -> Tokens:
    exp = forge.now + 600
    values: dict[str, JsonValue] = {
        "a string": str(exp),
        "a float": float(exp),
        "null": None,
        "a list": [exp],
        "an object": {"$gt": 0},
        "a bool": True,
        "negative": -1,
        "Infinity": math.inf,
        "minus Infinity": -math.inf,
        "NaN": math.nan,
        "2 ** 53": 2**53,
        "with 400 digits": 10**400,
    }
    texts = {"over the float range": "1e999", "in exponent form": "2e9"}
    times = ("exp", "iat", "nbf")
    return {
        **{
            f"{name} {kind}": forge.with_claims(**{name: value})
            for name in times
            for kind, value in values.items()
        },
        **{
            f"{name} {kind}": _with_number_text(forge, name, text)
            for name in times
            for kind, text in texts.items()
        },
        # `iat` is within its leeway, so that only the order of `iat` and `exp` is wrong.
        "exp before iat": forge.with_claims(iat=forge.now + 3, exp=forge.now + 2),
        "exp equal to iat": forge.with_claims(iat=forge.now + 3, exp=forge.now + 3),
    }


def _with_number_text(forge: Forge, name: str, text: str) -> str:
    number = compact_json(forge.claims[name])
    claims = compact_json(forge.claims)
    mark = f'"{name}":'.encode()
    return forge.jws(payload=claims.replace(mark + number, mark + text.encode()))


def _bad_ids(forge: Forge) -> Tokens:
    good = str(uuid.UUID(str(forge.claims["sub"])))
    values: dict[str, JsonValue] = {
        "not a UUID": "admin",
        "empty": "",
        "in upper case": good.upper(),
        "in braces": f"{{{good}}}",
        "a URN": f"urn:uuid:{good}",
        "without hyphens": good.replace("-", ""),
        "with a newline": f"{good}\n",
        "with a lone surrogate": f"{good[:-1]}\ud800",
        "with full-width digits": good.translate({ord("0") + n: 0xFF10 + n for n in range(10)}),
        "a number": 1,
        "null": None,
        "a list": [good],
    }
    return {
        f"{name} {kind}": forge.with_claims(**{name: value})
        for name in ("sub", "sid", "jti")
        for kind, value in values.items()
    }


def _bad_scopes(forge: Forge) -> Tokens:
    values: dict[str, JsonValue] = {
        "a list": ["posts:read"],
        "an object": {"*": True},
        "null": None,
        "a bool": True,
        "with double spaces": "posts:read  posts:write",
        "with a leading space": " posts:read",
        "with a trailing space": "posts:read ",
        "with a trailing newline": "posts:read\n",
        "with a tab": "posts:read\tposts:write",
        "with a no-break space": "posts:read\u00a0*",
        "with a quotation mark": 'posts:"read"',
        "with a backslash": "posts:\\read",
        "with a NUL": "posts:read\0",
        "with a lone surrogate": "posts:\ud800",
        "with a letter that is not ASCII": "posts:r\u00e9ad",
    }
    return {f"scope {kind}": forge.with_claims(scope=value) for kind, value in values.items()}


def bad_issuer(forge: Forge) -> Tokens:
    good = str(forge.claims["iss"])
    values: list[JsonValue] = [
        "https://evil.test",
        f"{good}/",
        good.upper(),
        f"{good}.evil.test",
        f"{good}\0",
        "",
        None,
        True,
        [good],
        {good: good},
    ]
    return {f"iss {json.dumps(value)}": forge.with_claims(iss=value) for value in values}


def bad_audience(forge: Forge) -> Tokens:
    good = str(forge.claims["aud"])
    values: list[JsonValue] = [
        "other",
        good.upper(),
        good[:-1],
        f"{good} other",
        "",
        None,
        [],
        [good],
        [good, "other"],
        {good: good},
    ]
    return {f"aud {json.dumps(value)}": forge.with_claims(aud=value) for value in values}


def expired(forge: Forge) -> Tokens:
    now = forge.now
    return {
        "exp equal to the current time": forge.with_claims(iat=now - 600, nbf=now - 600, exp=now),
        "exp one second ago": forge.with_claims(iat=now - 600, nbf=now - 600, exp=now - 1),
        "exp zero": forge.with_claims(exp=0),
    }


def not_yet_valid(forge: Forge) -> Tokens:
    later = forge.now + 6
    return {
        "iat beyond the leeway": forge.with_claims(iat=later),
        "nbf beyond the leeway": forge.with_claims(nbf=later),
        "a token issued tomorrow": forge.with_claims(
            iat=forge.now + 86_400, nbf=forge.now + 86_400, exp=forge.now + 87_000
        ),
    }


def too_long_lived(forge: Forge) -> Tokens:
    now = forge.now
    return {
        "one second over the maximum lifetime": forge.with_claims(exp=now + 3601),
        "exp in a million years": forge.with_claims(exp=2**53 - 1),
        "iat zero": forge.with_claims(iat=0),
    }
