"""Dependencies of auth's endpoints: services, the current user, rate limits.

All are `async`, even those that await nothing, because FastAPI runs a plain function in a thread.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from duet_auth.events.service import EventService
from duet_auth.runtime import AuthRuntime
from duet_auth.sessions.repository import ACTIVE_USER_BY_SESSION
from duet_auth.sessions.service import Client, SessionService
from duet_auth.settings import AuthSettings
from duet_auth.users.schemas import UserRead
from duet_auth.users.service import UserService
from duet_common.errors import InvalidToken
from duet_common.ids import milliseconds_of
from duet_common.web.principal import CurrentPrincipal
from duet_common.web.rate_limits import client_address
from duet_common.web.runtime import runtime_of, service_of
from duet_common.web.transaction import WriteSessionDep

_MAX_USER_AGENT_LENGTH = 200


async def current_user(principal: CurrentPrincipal, request: Request) -> UserRead:
    """Return the user whom the token identifies.

    Raises `InvalidToken` when the session or the token was revoked, or the user is deleted or
    inactive: auth has these in its own database, so they count at once.
    """
    pool = runtime_of(request, AuthRuntime).database.read_only_pool
    user = await ACTIVE_USER_BY_SESSION.one(
        pool,
        user_id=principal.user_id,
        session_id=principal.session_id,
        token_made_at=datetime.fromtimestamp(milliseconds_of(principal.token_id) / 1000, UTC),
    )
    if user is None:
        raise InvalidToken
    return user


CurrentUser = Annotated[UserRead, Depends(current_user)]


async def user_service(request: Request, session: WriteSessionDep) -> UserService:
    runtime = runtime_of(request, AuthRuntime)
    return UserService(
        session,
        runtime.database.read_only_pool,
        runtime.hasher,
        EventService(session),
        runtime.clock,
    )


UserServiceDep = Annotated[UserService, Depends(user_service)]


async def session_service(
    request: Request, session: WriteSessionDep, users: UserServiceDep
) -> SessionService:
    runtime = runtime_of(request, AuthRuntime)
    return SessionService(
        session,
        users,
        EventService(session),
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
    """Return a dependency that limits one operation per client address."""

    async def counted(request: Request) -> None:
        settings = runtime_of(request, AuthRuntime).settings
        limiter = service_of(request).rate_limiter
        await limiter.hit(name, per_minute(settings), client_address(request))

    return counted
