"""Who asks: the verified claims of the bearer token, required, optional, or with a permission."""

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


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token of the `Authorization: Bearer` header (RFC 6750, section 2.1), unverified."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def authenticate(connection: HTTPConnection) -> AccessClaims | None:
    """The caller's claims; None without a token. Raises `InvalidToken` for one that is refused."""
    token = bearer_token(connection)
    if token is None:
        return None
    try:
        return await runtime_of(connection, Runtime).verifier.verify(token)
    except TokenRefused as refused:
        logger.info("token refused: %s", refused.reason)
        raise InvalidToken from None


class _Bearer(SecurityBase):
    """The OpenAPI scheme. Its subclasses are scheme and check in one dependency: each further one
    costs some 10 µs a request. FastAPI's own `OAuth2PasswordBearer` hands out the raw token.
    """

    def __init__(self) -> None:
        self.scheme_name = "oauth2"
        flow = OAuthFlowPassword(tokenUrl=LOGIN_PATH)
        self.model = OAuth2(flows=OAuthFlows(password=flow))


class _OptionalPrincipal(_Bearer):
    async def __call__(self, request: Request) -> AccessClaims | None:
        return await authenticate(request)


class _RequiredPrincipal(_Bearer):
    async def __call__(self, request: Request) -> AccessClaims:
        claims = await authenticate(request)
        if claims is None:
            raise Unauthenticated
        return claims


OptionalPrincipal = Annotated[AccessClaims | None, Depends(_OptionalPrincipal())]
"""The caller, or None for one who sends no token. A refused token is a 401 even here."""

CurrentPrincipal = Annotated[AccessClaims, Depends(_RequiredPrincipal())]
"""The caller; 401 without a valid token."""


def require_permission(permission: str) -> Callable[..., Awaitable[AccessClaims]]:
    """A dependency: the caller's claims, or 403 `permission_missing`.

    Usage: `Depends(require_permission("posts:moderate"))`.
    """

    async def permitted(principal: CurrentPrincipal) -> AccessClaims:
        if not principal.has_permission(permission):
            raise PermissionMissing(permission)
        return principal

    return permitted
