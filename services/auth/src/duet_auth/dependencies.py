"""What auth's endpoints ask for: ready services, the caller, the limits.

All are `async`, even where they await nothing: FastAPI runs the others in a thread.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import bindparam, select

from duet_auth.runtime import AuthRuntime
from duet_auth.sessions.models import UserSession
from duet_auth.sessions.service import Client, SessionService
from duet_auth.settings import AuthSettings
from duet_auth.users.models import User
from duet_auth.users.schemas import UserRead
from duet_auth.users.service import UserService
from duet_common.db.queries import Query
from duet_common.errors import InvalidToken
from duet_common.web.principal import CurrentPrincipal
from duet_common.web.rate_limits import client_address, rate_limiter_of
from duet_common.web.runtime import runtime_of
from duet_common.web.transaction import WriteSessionDep

_MAX_USER_AGENT_LENGTH = 200

# Here an ended session and a deleted user count at once: the database that knows is ours.
LIVE_USER = Query(
    select(
        User.id,
        User.email,
        User.first_name,
        User.last_name,
        User.is_active,
        User.is_superuser,
        User.email_verified,
        User.permissions,
        User.created_at,
        User.updated_at,
    )
    .join(UserSession, UserSession.user_id == User.id)
    .where(
        User.id == bindparam("user_id"),
        User.is_active,
        UserSession.id == bindparam("session_id"),
        UserSession.revoked_at.is_(None),
    ),
    UserRead,
)


async def current_user(principal: CurrentPrincipal, request: Request) -> UserRead:
    """The caller. `InvalidToken` when the session has ended, or the user is gone or inactive."""
    pool = runtime_of(request, AuthRuntime).database.read_only_pool
    user = await LIVE_USER.one(pool, user_id=principal.user_id, session_id=principal.session_id)
    if user is None:
        raise InvalidToken
    return user


CurrentUser = Annotated[UserRead, Depends(current_user)]


async def user_service(request: Request, session: WriteSessionDep) -> UserService:
    runtime = runtime_of(request, AuthRuntime)
    return UserService(session, runtime.database.read_only_pool, runtime.hasher)


UserServiceDep = Annotated[UserService, Depends(user_service)]


async def session_service(
    request: Request, session: WriteSessionDep, users: UserServiceDep
) -> SessionService:
    runtime = runtime_of(request, AuthRuntime)
    return SessionService(
        session,
        users,
        runtime.issuer,
        runtime.refresh_tokens,
        runtime.session_policy,
        runtime.clock,
    )


SessionServiceDep = Annotated[SessionService, Depends(session_service)]


async def request_client(request: Request) -> Client:
    agent = request.headers.get("user-agent", "").replace("\0", "")[:_MAX_USER_AGENT_LENGTH]
    return Client(user_agent=agent or None, address=client_address(request))


ClientDep = Annotated[Client, Depends(request_client)]


def limited(
    name: str, per_minute: Callable[[AuthSettings], int]
) -> Callable[[Request], Awaitable[None]]:
    """A dependency: a tighter limit on one operation, by address."""

    async def counted(request: Request) -> None:
        settings = runtime_of(request, AuthRuntime).settings
        await rate_limiter_of(request).hit(name, per_minute(settings), client_address(request))

    return counted
