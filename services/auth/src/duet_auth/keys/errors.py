"""Errors of the keys domain."""

from duet_common.errors import Unavailable


class NoSigningKey(Unavailable):
    code = "no_signing_key"
    title = "No signing key is available yet. Try again later."
