"""Why a token was refused, for logs and tests. A client only receives `invalid_token`."""

from enum import StrEnum


class Refusal(StrEnum):
    """The check that refused a token."""

    TOO_LARGE = "too_large"
    NOT_COMPACT = "not_compact"
    BAD_ENCODING = "bad_encoding"
    BAD_HEADER = "bad_header"
    BAD_TYPE = "bad_type"
    UNKNOWN_KEY = "unknown_key"
    BAD_ALGORITHM = "bad_algorithm"
    BAD_SIGNATURE = "bad_signature"
    BAD_CLAIMS = "bad_claims"
    BAD_ISSUER = "bad_issuer"
    BAD_AUDIENCE = "bad_audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    TOO_LONG_LIVED = "too_long_lived"


class TokenRefused(Exception):
    """Raised for a token that must not be accepted; `reason` is the check that refused it."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


class InvalidKey(ValueError):
    """Raised for an unusable key: a malformed JWK, another curve, a short RSA modulus."""
