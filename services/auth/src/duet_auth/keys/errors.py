"""What can go wrong with signing."""

from duet_common.errors import Unavailable


class NoSigningKey(Unavailable):
    code = "no_signing_key"
    title = "No signing key could be read yet"
