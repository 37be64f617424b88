"""Errors of the profiles domain."""

from duet_common.errors import NotFound


class ProfileNotFound(NotFound):
    code = "profile_not_found"
    title = "This user has no profile."
