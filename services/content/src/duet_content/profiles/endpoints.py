"""Endpoints of profiles."""

import uuid

from fastapi import APIRouter

from duet_common.errors import InvalidToken, Unauthenticated
from duet_common.web.api_route import ApiRoute
from duet_common.web.openapi import problems
from duet_common.web.principal import CurrentPrincipal
from duet_content.dependencies import ProfileServiceDep
from duet_content.profiles.errors import ProfileNotFound
from duet_content.profiles.schemas import ProfilePatch, ProfilePut, ProfileRead

router = APIRouter(prefix="/api/v1/profiles", tags=["profiles"], route_class=ApiRoute)
_ME = problems(Unauthenticated, InvalidToken)


@router.get("/me", summary="Get your profile", responses=_ME)
async def read_my_profile(principal: CurrentPrincipal, profiles: ProfileServiceDep) -> ProfileRead:
    return await profiles.read_own(principal.user_id)


@router.put("/me", summary="Replace your profile", responses=_ME)
async def replace_my_profile(
    profile: ProfilePut, principal: CurrentPrincipal, profiles: ProfileServiceDep
) -> ProfileRead:
    updated = await profiles.update(principal.user_id, profile.model_dump())
    return ProfileRead.model_validate(updated)


@router.patch("/me", summary="Update your profile", responses=_ME)
async def update_my_profile(
    changes: ProfilePatch, principal: CurrentPrincipal, profiles: ProfileServiceDep
) -> ProfileRead:
    """Update a profile. An absent field is not changed; null clears it."""
    updated = await profiles.update(principal.user_id, changes.model_dump(exclude_unset=True))
    return ProfileRead.model_validate(updated)


@router.get("/{user_id}", summary="Get a user's profile", responses=problems(ProfileNotFound))
async def read_profile(user_id: uuid.UUID, profiles: ProfileServiceDep) -> ProfileRead:
    return await profiles.read(user_id)
