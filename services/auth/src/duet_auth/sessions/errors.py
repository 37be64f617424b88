"""What can go wrong with logins and sessions."""

from duet_common.errors import NotFound, Unauthenticated


class InvalidCredentials(Unauthenticated):
    code = "invalid_credentials"
    title = "The email or the password is wrong"


class InvalidRefreshToken(Unauthenticated):
    code = "invalid_refresh_token"
    title = "The refresh token is unknown, expired or revoked"


class SessionNotFound(NotFound):
    code = "session_not_found"
    title = "There is no such session"
