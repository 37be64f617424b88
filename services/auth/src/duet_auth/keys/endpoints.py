"""`/.well-known/jwks.json`: the public keys, for verifiers."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from duet_auth.keys.errors import NoSigningKey
from duet_auth.runtime import AuthRuntime
from duet_common.paths import JWKS_PATH
from duet_common.tokens.keys import Jwks
from duet_common.web.api_route import ApiRoute
from duet_common.web.etag import NOT_MODIFIED, WITH_ETAG, IfNoneMatch, not_modified
from duet_common.web.openapi import problems
from duet_common.web.runtime import runtime_of

router = APIRouter(tags=["keys"], route_class=ApiRoute)

# Well below the time for which a key is published before it signs (docs/adr/0005).
_CACHE_CONTROL = "public, max-age=5"


class JwksResponse(JSONResponse):
    """A response whose content is already JSON."""

    media_type = "application/jwk-set+json"

    def render(self, content: bytes) -> bytes:
        return content


@router.get(
    JWKS_PATH,
    summary="Get the public keys that verify access tokens",
    response_model=Jwks,
    response_class=JwksResponse,
    responses={200: WITH_ETAG, 304: NOT_MODIFIED, **problems(NoSigningKey)},
)
async def read_jwks(request: Request, if_none_match: IfNoneMatch = None) -> Response:
    """Return a JWK Set (RFC 7517): the active key, the next key, and retired keys that valid tokens
    still need.
    """
    ring = runtime_of(request, AuthRuntime).ring
    if not ring.has_keys:
        raise NoSigningKey
    headers = {"ETag": ring.etag, "Cache-Control": _CACHE_CONTROL}
    return not_modified(if_none_match, headers) or JwksResponse(ring.jwks, headers=headers)
