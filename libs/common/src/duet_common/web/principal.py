"""The principal of a request: the verified claims of its bearer token."""

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.openapi.models import OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from duet_common.errors import InvalidToken, PermissionMissing, Unauthenticated
from duet_common.tokens.claims import AccessClaims
from duet_common.tokens.errors import TokenRefused
from duet_common.web.runtime import Runtime, runtime_of

logger = logging.getLogger(__name__)

LOGIN_PATH: Final = "/api/v1/auth/login"
SCHEME: Final = "oauth2"
"""The name of the security scheme in OpenAPI."""
OPTIONAL_SCHEME: Final = "oauth2_optional"
"""A marker that becomes `security: [{}, {"oauth2": []}]`, which FastAPI cannot express."""


def bearer_token(connection: HTTPConnection) -> str | None:
    """Return the unverified token of `Authorization: Bearer` (RFC 6750, section 2.1), or None."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def authenticate(connection: HTTPConnection) -> AccessClaims | None:
    """Return the claims of the token, or None without one. Raises `InvalidToken`."""
    token = bearer_token(connection)
    if token is None:
        return None
    try:
        return await runtime_of(connection, Runtime).verifier.verify(token)
    except TokenRefused as refused:
        logger.info("An access token was refused: %s", refused.reason)
        raise InvalidToken from None


class _Bearer(SecurityBase):
    """The OpenAPI security scheme.

    Its subclasses combine the scheme and the check in one dependency, because each dependency costs
    about 10 µs per request. FastAPI's `OAuth2PasswordBearer` returns the token unverified.
    """

    def __init__(self) -> None:
        self.scheme_name = SCHEME
        flow = OAuthFlowPassword(tokenUrl=LOGIN_PATH)
        self.model = OAuth2(flows=OAuthFlows(password=flow))


class _OptionalPrincipal(_Bearer):
    def __init__(self) -> None:
        super().__init__()
        self.scheme_name = OPTIONAL_SCHEME

    async def __call__(self, request: Request) -> AccessClaims | None:
        return await authenticate(request)


class _RequiredPrincipal(_Bearer):
    async def __call__(self, request: Request) -> AccessClaims:
        claims = await authenticate(request)
        if claims is None:
            raise Unauthenticated
        return claims


OptionalPrincipal = Annotated[AccessClaims | None, Depends(_OptionalPrincipal())]
"""The principal, or None without a token. An invalid token still results in a 401."""

CurrentPrincipal = Annotated[AccessClaims, Depends(_RequiredPrincipal())]
"""The principal; a request without a valid token results in a 401."""


def require_permission(permission: str) -> Callable[..., Awaitable[AccessClaims]]:
    """Return a dependency that returns the principal, or raises `PermissionMissing`.

    Usage: `Depends(require_permission("posts:moderate"))`.
    """

    async def permitted(principal: CurrentPrincipal) -> AccessClaims:
        if not principal.has_permission(permission):
            raise PermissionMissing(permission)
        return principal

    return permitted
