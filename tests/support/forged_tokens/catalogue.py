"""Tokens that a verifier must refuse, from RFC 8725, RFC 7515 and what python-jose accepts.

Unless the flaw concerns keys or signatures, the signature is valid, so that the flaw that the name
describes is the only one.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from duet_common.testing.tokens import TokenFactory
from duet_common.tokens.errors import Refusal
from duet_common.tokens.signing import SigningKey, generate_private_key
from duet_common.tokens.strict_json import JsonValue
from tests.support.forged_tokens import claims, signatures
from tests.support.forged_tokens.forge import (
    Forge,
    Tokens,
    base64url,
    compact_json,
    ecdsa,
    next_spelling,
    without,
)


@dataclass(frozen=True, slots=True)
class Forgery:
    """A token, a unique name for its flaw, and the check that must refuse it."""

    name: str
    token: str
    refusal: Refusal


def forgeries(factory: TokenFactory) -> list[Forgery]:
    """Return all forgeries of an ES256 factory's tokens, at least one for each `Refusal`."""
    forge = Forge(factory)
    return [
        Forgery(name, token, refusal)
        for refusal, tokens in _KINDS
        for name, token in tokens(forge).items()
    ]


def _too_large(forge: Forge) -> Tokens:
    return {
        "over 4 KiB, otherwise valid": forge.with_claims(scope=" ".join(["posts:read"] * 300)),
        "over one megabyte": forge.good + "A" * 2**20,
    }


def _not_compact(forge: Forge) -> Tokens:
    header, claims, signature = forge.good.split(".")
    flattened = {"protected": header, "payload": claims, "signature": signature}
    jwe = forge.with_header({"alg": "ECDH-ES", "enc": "A256GCM"})
    return {
        "the empty string": "",
        "one part": header,
        "two parts": f"{header}.{claims}",
        "four parts": f"{forge.good}.{signature}",
        "four parts, the last empty": f"{forge.good}.",
        "five parts, like a JWE": f"{jwe}.{claims}.{signature}",
        "four dots": "....",
        "the JSON serialization": json.dumps(flattened),
    }


def _bad_encoding(forge: Forge) -> Tokens:
    header, claims, signature = forge.good.split(".")
    unsecured = forge.with_header({"alg": "none"}).rpartition(".")[0]
    # The base64 of 500 bytes has one padding character and two unused bits in its last letter.
    long_claims = compact_json(forge.claims).ljust(500)
    standard_claims = compact_json({**forge.claims, "scope": ">>>>>??????"})

    def long_claims_as(spelling: Callable[[str], str]) -> str:
        def encode(data: bytes) -> str:
            return spelling(base64url(data)) if data == long_claims else base64url(data)

        return forge.jws(payload=long_claims, encode=encode)

    return {
        "two dots": "..",
        "alg none, no signature": f"{unsecured}.",
        "empty signature": f"{header}.{claims}.",
        "empty header": f".{claims}.{signature}",
        "detached payload": f"{header}..{signature}",
        "every part padded": forge.jws(encode=lambda data: base64.urlsafe_b64encode(data).decode()),
        "padded payload": long_claims_as(lambda text: f"{text}="),
        "padded signature": f"{forge.good}==",
        "unused bits set in the payload": long_claims_as(next_spelling),
        "unused bits set in the signature": next_spelling(forge.good),
        "the standard base64 alphabet": forge.jws(
            payload=standard_claims,
            encode=lambda data: base64.b64encode(data).rstrip(b"=").decode(),
        ),
        "a length that base64 cannot have": f"{forge.good}AAA",
        "a leading space": f" {forge.good}",
        "a trailing newline": f"{forge.good}\n",
        "a line break in the payload": f"{header}.{claims[:40]}\r\n{claims[40:]}.{signature}",
        "a NUL in the signature": f"{header}.{claims}.{signature[:-1]}\0",
        "a Bearer prefix": f"Bearer {forge.good}",
        "percent-encoded": f"{header}.{claims}.%41{signature[1:]}",
        "a full-width letter": f"{header}.{claims}.\uff21{signature[1:]}",
        "a lone surrogate": f"{header}.{claims}.\ud800{signature[1:]}",
    }


def _bad_header(forge: Forge) -> Tokens:
    attacker = ec.generate_private_key(ec.SECP256R1())
    own = SigningKey.from_pem(generate_private_key("ES256"), "ES256").public_jwk.model_dump()
    members: dict[str, dict[str, JsonValue]] = {
        "an unknown crit": {"crit": ["x"], "x": True},
        "an empty crit": {"crit": []},
        "an embedded key of the attacker": {"jwk": own},
        "jku": {"jku": "https://evil.test/jwks.json"},
        "x5u": {"x5u": "https://evil.test/cert.pem"},
        "x5c": {"x5c": ["MIIB"]},
        "b64 false": {"b64": False, "crit": ["b64"]},
        "zip": {"zip": "DEF"},
        "cty JWT": {"cty": "JWT"},
        "a claim in the header": {"iss": "https://duet.local"},
    }
    kids: dict[str, JsonValue] = {
        "a path": "../../../../../dev/null",
        "SQL": "x' UNION SELECT 'key' --",
        "a command": "|id",
        "of 44 characters": "A" * 44,
        "empty": "",
        "with a newline": f"{forge.kid}\n",
        "a number": 1,
        "null": None,
        "a list": [forge.kid],
    }
    good = compact_json(forge.header)
    return {
        **{
            f"header with {name}": forge.with_header(extra, ecdsa(attacker))
            for name, extra in members.items()
        },
        **{f"kid, {name}": forge.with_header({"kid": kid}) for name, kid in kids.items()},
        **{f"no {name}": forge.jws(header=without(forge.header, name)) for name in forge.header},
        "alg null": forge.with_header({"alg": None}),
        "alg a list": forge.with_header({"alg": ["ES256"]}),
        "duplicate alg": forge.with_header_text('"alg":"ES256"'),
        "duplicate kid, one escaped": forge.with_header_text(f'"\\u006bid":"{forge.next_kid}"'),
        "a header of 2 KB, deeply nested": forge.with_header_text(f'"x":{"[" * 1000}{"]" * 1000}'),
        "a header of 2 KB, deeply nested and not closed": forge.jws(header=b'{"a":' * 400),
        "a header padded with spaces to 300 bytes": forge.jws(header=good.ljust(300)),
        "a header that is an array": forge.jws(header=b'["alg","typ","kid"]'),
        "a header that is not JSON": forge.jws(header=b"alg=ES256"),
        "a header that is not UTF-8": forge.jws(header=b'\xff{"alg":"ES256"}'),
        "a header in UTF-16": forge.jws(header=good.decode().encode("utf-16")),
        "a header with a byte order mark": forge.jws(header=b"\xef\xbb\xbf" + good),
    }


def _bad_type(forge: Forge) -> Tokens:
    types = ("JWT", "AT+JWT", "at+JWT", "application/at+jwt", "at+jwt ", "dpop+jwt", "", None)
    return {
        **{f"typ {json.dumps(typ)}": forge.with_header({"typ": typ}) for typ in types},
        "typ a list": forge.with_header({"typ": ["at+jwt"]}),
    }


_KINDS: Final[tuple[tuple[Refusal, Callable[[Forge], Tokens]], ...]] = (
    (Refusal.TOO_LARGE, _too_large),
    (Refusal.NOT_COMPACT, _not_compact),
    (Refusal.BAD_ENCODING, _bad_encoding),
    (Refusal.BAD_HEADER, _bad_header),
    (Refusal.BAD_TYPE, _bad_type),
    (Refusal.UNKNOWN_KEY, signatures.unknown_key),
    (Refusal.BAD_ALGORITHM, signatures.bad_algorithm),
    (Refusal.BAD_SIGNATURE, signatures.bad_signature),
    (Refusal.BAD_CLAIMS, claims.bad_claims),
    (Refusal.BAD_ISSUER, claims.bad_issuer),
    (Refusal.BAD_AUDIENCE, claims.bad_audience),
    (Refusal.EXPIRED, claims.expired),
    (Refusal.NOT_YET_VALID, claims.not_yet_valid),
    (Refusal.TOO_LONG_LIVED, claims.too_long_lived),
)
