"""Login, refresh, logout, and the user's own sessions."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from duet_auth.dependencies import ClientDep, CurrentUser, SessionServiceDep, limited
from duet_auth.keys.errors import NoSigningKey
from duet_auth.passwords.errors import HashQueueFull
from duet_auth.sessions.errors import InvalidCredentials, InvalidRefreshToken, SessionNotFound
from duet_auth.sessions.models import UserSession
from duet_auth.sessions.schemas import (
    LoginForm,
    RefreshRequest,
    SessionPage,
    SessionRead,
    TokenPair,
)
from duet_auth.sessions.service import Refreshed
from duet_common.db.keyset import Cursor
from duet_common.errors import InvalidCursor, InvalidToken, Unauthenticated, Unavailable
from duet_common.web.api_route import ApiRoute
from duet_common.web.openapi import problems
from duet_common.web.pagination import WITH_LINK, Limit, Page, cursor_parameter, make_page
from duet_common.web.principal import CurrentPrincipal
from duet_common.web.problems import problem_response

router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
_NO_STORE = "no-store"  # RFC 6749, section 5.1


@router.post(
    "/auth/login",
    tags=["auth"],
    summary="Log in",
    responses=problems(InvalidCredentials, NoSigningKey, HashQueueFull, Unavailable),
    dependencies=[Depends(limited("login", lambda settings: settings.rate_limit_login))],
)
async def login(
    form: Annotated[LoginForm, Form()],
    sessions: SessionServiceDep,
    client: ClientDep,
    response: Response,
) -> TokenPair:
    """Log in with the OAuth2 password form; `username` is the email address.

    The 401 is the same for every reason.
    """
    response.headers["Cache-Control"] = _NO_STORE
    return await sessions.login(form.username, form.password.get_secret_value(), client)


@router.post(
    "/auth/refresh",
    tags=["auth"],
    summary="Exchange a refresh token for new tokens",
    response_model=TokenPair,
    responses=problems(InvalidRefreshToken, NoSigningKey),
    dependencies=[Depends(limited("refresh", lambda settings: settings.rate_limit_refresh))],
)
async def refresh(
    body: RefreshRequest, sessions: SessionServiceDep, client: ClientDep, response: Response
) -> TokenPair | Response:
    """Rotate a refresh token, which can be used once.

    If the same client uses it again within the grace period (10 s by default), the response
    contains the same successor. Any later use ends the session.
    """
    response.headers["Cache-Control"] = _NO_STORE
    outcome = await sessions.refresh(body.refresh_token, client)
    if isinstance(outcome, Refreshed):
        return outcome.tokens
    # Returned, not raised: a revocation because of reuse is committed before the 401 is sent.
    return problem_response(InvalidRefreshToken())


@router.post(
    "/auth/logout",
    tags=["auth"],
    summary="Log out of the current session",
    status_code=204,
    responses=problems(Unauthenticated, InvalidToken),
)
async def logout(_: CurrentUser, principal: CurrentPrincipal, sessions: SessionServiceDep) -> None:
    await sessions.logout(principal.session_id)


@router.post(
    "/auth/logout-all",
    tags=["auth"],
    summary="Log out of every session",
    status_code=204,
    responses=problems(Unauthenticated, InvalidToken),
)
async def logout_all(user: CurrentUser, sessions: SessionServiceDep) -> None:
    await sessions.logout_all(user.id)


@router.get(
    "/users/me/sessions",
    tags=["users"],
    summary="List your sessions",
    response_model=SessionPage,
    responses={
        200: WITH_LINK,
        **problems(Unauthenticated, InvalidToken, InvalidCursor),
    },
)
async def list_sessions(
    user: CurrentUser,
    principal: CurrentPrincipal,
    sessions: SessionServiceDep,
    after: Annotated[Cursor, Depends(cursor_parameter)],
    request: Request,
    response: Response,
    limit: Limit = 20,
) -> Page[SessionRead]:
    rows = await sessions.page(user.id, after, limit + 1)
    items = [_read(row, principal.session_id) for row in rows]
    return make_page(
        SessionPage, items, limit, lambda s: Cursor(s.created_at, s.id), request, response
    )


@router.delete(
    "/users/me/sessions/{session_id}",
    tags=["users"],
    summary="End one of your sessions",
    status_code=204,
    responses=problems(Unauthenticated, InvalidToken, SessionNotFound),
)
async def end_session(
    session_id: uuid.UUID, user: CurrentUser, sessions: SessionServiceDep
) -> None:
    await sessions.end_one(user.id, session_id)


def _read(row: UserSession, current: uuid.UUID) -> SessionRead:
    return SessionRead(
        id=row.id,
        user_agent=row.user_agent,
        address=row.address,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=min(row.idle_expires_at, row.expires_at),
        current=row.id == current,
    )
