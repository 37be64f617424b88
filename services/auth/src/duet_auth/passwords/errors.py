"""Errors of the passwords domain."""

from duet_common.errors import Unavailable


class HashQueueFull(Unavailable):
    code = "hash_queue_full"
    title = "Too many passwords are being checked. Try again later."
