"""Endpoints of profiles."""

import uuid

from fastapi import APIRouter, Response

from duet_common.errors import InvalidToken, PreconditionFailed, Unauthenticated
from duet_common.web.api_route import ApiRoute
from duet_common.web.etag import (
    NOT_MODIFIED,
    WITH_ETAG,
    IfMatch,
    IfNoneMatch,
    unless_not_modified,
    with_etag,
)
from duet_common.web.openapi import Responses, problems
from duet_common.web.principal import CurrentPrincipal
from duet_content.dependencies import ProfileServiceDep
from duet_content.profiles.errors import ProfileNotFound
from duet_content.profiles.schemas import ProfilePatch, ProfilePut, ProfileRead

router = APIRouter(prefix="/api/v1/profiles", tags=["profiles"], route_class=ApiRoute)
_READ: Responses = {200: WITH_ETAG, 304: NOT_MODIFIED}
_WRITE = {200: WITH_ETAG, **problems(Unauthenticated, InvalidToken, PreconditionFailed)}


@router.get(
    "/me",
    summary="Get your profile",
    response_model=ProfileRead,
    responses={**_READ, **problems(Unauthenticated, InvalidToken)},
)
async def read_my_profile(
    principal: CurrentPrincipal,
    profiles: ProfileServiceDep,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> ProfileRead | Response:
    profile = await profiles.read_own(principal.user_id)
    return unless_not_modified(profile, if_none_match, response)


@router.put("/me", summary="Replace your profile", responses=_WRITE)
async def replace_my_profile(
    profile: ProfilePut,
    principal: CurrentPrincipal,
    profiles: ProfileServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> ProfileRead:
    """Replace a profile. With `If-Match`, the response is 412 if it has changed since the read."""
    updated = await profiles.update(principal.user_id, profile.model_dump(), if_match)
    return with_etag(updated, response)


@router.patch("/me", summary="Update your profile", responses=_WRITE)
async def update_my_profile(
    changes: ProfilePatch,
    principal: CurrentPrincipal,
    profiles: ProfileServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> ProfileRead:
    """Update a profile. An absent field is not changed; null clears it.

    With `If-Match`, the response is 412 if the profile has changed since it was read.
    """
    changed = changes.model_dump(exclude_unset=True)
    return with_etag(await profiles.update(principal.user_id, changed, if_match), response)


@router.get(
    "/{user_id}",
    summary="Get a user's profile",
    response_model=ProfileRead,
    responses={**_READ, **problems(ProfileNotFound)},
)
async def read_profile(
    user_id: uuid.UUID,
    profiles: ProfileServiceDep,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> ProfileRead | Response:
    return unless_not_modified(await profiles.read(user_id), if_none_match, response)
