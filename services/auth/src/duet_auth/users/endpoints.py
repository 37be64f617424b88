"""Registration, the current user, and other users for callers with `users:read`."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from duet_auth.dependencies import (
    CurrentUser,
    SessionServiceDep,
    UserServiceDep,
    current_user,
    limited,
)
from duet_auth.passwords.errors import HashQueueFull
from duet_auth.users.errors import EmailTaken, UserNotFound, WrongPassword
from duet_auth.users.schemas import PasswordChange, UserCreate, UserPage, UserPatch, UserRead
from duet_common.db.keyset import Cursor
from duet_common.errors import (
    InvalidCursor,
    InvalidToken,
    PermissionMissing,
    Unauthenticated,
    Unavailable,
)
from duet_common.web.api_route import ApiRoute
from duet_common.web.openapi import problems
from duet_common.web.pagination import WITH_LINK, Limit, Page, cursor_parameter, make_page
from duet_common.web.principal import CurrentPrincipal, require_permission

router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
_ME = problems(Unauthenticated, InvalidToken)
_READERS = [Depends(require_permission("users:read")), Depends(current_user)]


@router.post(
    "/auth/register",
    tags=["auth"],
    summary="Register a user",
    status_code=201,
    responses=problems(EmailTaken, HashQueueFull),
    dependencies=[Depends(limited("register", lambda settings: settings.rate_limit_register))],
)
async def register(new: UserCreate, users: UserServiceDep, response: Response) -> UserRead:
    """Create a user. A password has 8 to 128 characters and must not be a common one."""
    user = await users.register(new)
    response.headers["Location"] = f"/api/v1/users/{user.id}"
    return UserRead.model_validate(user)


@router.get("/users/me", tags=["users"], summary="Get your user", responses=_ME)
async def read_me(user: CurrentUser) -> UserRead:
    return user


@router.patch("/users/me", tags=["users"], summary="Update your user", responses=_ME)
async def update_me(changes: UserPatch, user: CurrentUser, users: UserServiceDep) -> UserRead:
    """Update names. An absent field is not changed; null clears it."""
    updated = await users.update(user.id, changes.model_dump(exclude_unset=True))
    return UserRead.model_validate(updated)


@router.delete(
    "/users/me", tags=["users"], summary="Delete your user", status_code=204, responses=_ME
)
async def delete_me(user: CurrentUser, users: UserServiceDep) -> None:
    """Delete the user with all sessions and refresh tokens."""
    await users.delete(user.id)


@router.put(
    "/users/me/password",
    tags=["users"],
    summary="Change your password",
    status_code=204,
    responses=problems(Unauthenticated, InvalidToken, WrongPassword, HashQueueFull, Unavailable),
)
async def change_password(
    change: PasswordChange,
    user: CurrentUser,
    principal: CurrentPrincipal,
    users: UserServiceDep,
    sessions: SessionServiceDep,
) -> None:
    """Set a new password and end every other session."""
    await users.change_password(
        user.id,
        change.current_password.get_secret_value(),
        change.new_password.get_secret_value(),
    )
    await sessions.end_others(user.id, but=principal.session_id)


@router.get(
    "/users",
    tags=["users"],
    summary="List users (`users:read`)",
    response_model=UserPage,
    responses={
        200: WITH_LINK,
        **problems(Unauthenticated, InvalidToken, PermissionMissing, InvalidCursor),
    },
    dependencies=_READERS,
)
async def list_users(
    users: UserServiceDep,
    after: Annotated[Cursor, Depends(cursor_parameter)],
    request: Request,
    response: Response,
    limit: Limit = 20,
) -> Page[UserRead]:
    rows = await users.page(after, limit + 1)
    items = [UserRead.model_validate(row) for row in rows]
    return make_page(
        UserPage, items, limit, lambda u: Cursor(u.created_at, u.id), request, response
    )


@router.get(
    "/users/{user_id}",
    tags=["users"],
    summary="Get a user (`users:read`)",
    responses=problems(Unauthenticated, InvalidToken, PermissionMissing, UserNotFound),
    dependencies=_READERS,
)
async def read_user(user_id: uuid.UUID, users: UserServiceDep) -> UserRead:
    return UserRead.model_validate(await users.get(user_id))
