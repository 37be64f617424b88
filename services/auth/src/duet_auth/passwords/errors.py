"""What can go wrong with hashing."""

from duet_common.errors import Unavailable


class HashQueueFull(Unavailable):
    code = "hash_queue_full"
    title = "Too many passwords are being checked right now"
