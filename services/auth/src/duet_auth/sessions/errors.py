"""Errors of the sessions domain."""

from duet_common.errors import NotFound, Unauthenticated


class InvalidCredentials(Unauthenticated):
    code = "invalid_credentials"
    title = "The email or the password is wrong."


class InvalidRefreshToken(Unauthenticated):
    code = "invalid_refresh_token"
    title = "The refresh token is unknown, expired or revoked. Log in again."


class SessionNotFound(NotFound):
    code = "session_not_found"
    title = "Session not found."
