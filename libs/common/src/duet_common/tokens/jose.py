"""The one adapter around python-jose: it sees only what the guard let through.

Every other module is kept from `jose` by lint. `jose.jwe` and unpinned decoding are never used.
"""

from typing import Final, Literal, get_args

from jose import jwk, jws
from jose.backends.base import Key

from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.strict_json import JsonObject

Algorithm = Literal["ES256", "RS256"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)


class JoseKey:
    """A key constructed once, with the only algorithm it may be used for.

    Parsing a PEM costs 0.1 ms (EC) to 30 ms (RSA) each time, so nothing else keeps one.
    """

    __slots__ = ("_key", "algorithm")

    def __init__(self, material: str | dict[str, str], algorithm: Algorithm) -> None:
        """Take a PEM or the members of a JWK. Raises `InvalidKey`."""
        self.algorithm: Algorithm = algorithm
        try:
            self._key: Key = jwk.construct(material, algorithm)
        except Exception as error:
            # python-jose raises JWKError, but also ValueError, KeyError and TypeError from below.
            raise InvalidKey(f"not a usable {algorithm} key") from error

    def public_members(self) -> dict[str, str]:
        """The members of the public JWK."""
        members = self._key.public_key().to_dict()
        return {name: str(value) for name, value in members.items()}

    def verifies(self, compact: str) -> bool:
        """Whether the signature of a compact JWS is this key's, by this key's algorithm."""
        try:
            jws.verify(compact, self._key, algorithms=[self.algorithm], verify=True)
        except Exception:
            # python-jose raises more than JWSError; whatever it is, it means no.
            return False
        return True

    def sign(self, header: dict[str, str], claims: JsonObject) -> str:
        """A compact JWS over `claims`; `header` is added to `alg`."""
        return jws.sign(claims, self._key, headers=header, algorithm=self.algorithm)
