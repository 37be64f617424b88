"""The only adapter for python-jose, which receives only tokens that `strict_jws` has parsed.

A lint rule bans `jose` in every other module. `jose.jwe` and unpinned algorithms are never used.
"""

from typing import Final, Literal, get_args

from jose import jwk, jws
from jose.backends.base import Key

from duet_common.tokens.errors import InvalidKey
from duet_common.tokens.strict_json import JsonObject

Algorithm = Literal["ES256", "RS256"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = get_args(Algorithm)


class JoseKey:
    """A key with the one algorithm that it may be used with.

    It is constructed once, because parsing a PEM takes 0.1 ms (EC) to 30 ms (RSA).
    """

    __slots__ = ("_key", "algorithm")

    def __init__(self, material: str | dict[str, str], algorithm: Algorithm) -> None:
        """Construct a key from a PEM or the members of a JWK. Raises `InvalidKey`."""
        self.algorithm: Algorithm = algorithm
        try:
            self._key: Key = jwk.construct(material, algorithm)
        except Exception as error:
            # python-jose raises JWKError, but also passes on ValueError, KeyError and TypeError.
            raise InvalidKey(f"not a usable {algorithm} key") from error

    def public_members(self) -> dict[str, str]:
        """Return the members of the public JWK."""
        members = self._key.public_key().to_dict()
        return {name: str(value) for name, value in members.items()}

    def verifies(self, compact: str) -> bool:
        """Return whether this key, with its algorithm, made the signature of a compact JWS."""
        try:
            jws.verify(compact, self._key, algorithms=[self.algorithm], verify=True)
        except Exception:
            # python-jose raises more than JWSError. Any exception means that it does not verify.
            return False
        return True

    def sign(self, header: dict[str, str], claims: JsonObject) -> str:
        """Return a compact JWS over `claims`, with `alg` and the members of `header`."""
        return jws.sign(claims, self._key, headers=header, algorithm=self.algorithm)
