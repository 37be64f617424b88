"""The ceiling: a raw ASGI app on asyncpg that returns the same responses, but checks no token.

It runs the same SQL statements as the services and sends the same JSON. The difference between the
two is therefore the cost of the framework, the layers and the token. `tests.load.bench` runs it and
configures it with environment variables.
"""

import os
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from pydantic import TypeAdapter
from starlette.types import Receive, Scope, Send
from typing_extensions import TypedDict

from duet_auth.sessions.repository import ACTIVE_USER_BY_SESSION
from duet_common.clock import utc_now
from duet_common.db.keyset import FIRST, Cursor
from duet_common.settings import ServiceSettings
from duet_content.posts.repository import PUBLISHED_POSTS

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
    _Pool = asyncpg.Pool[asyncpg.Record]
else:  # asyncpg's classes are generic only in its stubs
    _Connection = asyncpg.Connection
    _Pool = asyncpg.Pool

_LIMIT: Final = 20
_POOL_SIZE: Final = ServiceSettings().database_read_pool_size


class _User(TypedDict):
    id: uuid.UUID
    email: str
    first_name: str | None
    last_name: str | None
    is_active: bool
    is_superuser: bool
    email_verified: bool
    permissions: list[str]
    created_at: datetime
    updated_at: datetime
    full_name: str | None


class _Author(TypedDict):
    id: uuid.UUID
    name: str | None
    avatar_url: str | None


class _Post(TypedDict):
    id: uuid.UUID
    title: str
    excerpt: str
    is_published: bool
    published_at: datetime
    author: _Author
    created_at: datetime
    updated_at: datetime


class _Page(TypedDict):
    items: list[_Post]
    next_cursor: str | None


# pydantic-core with a schema is the fastest JSON serializer among the locked dependencies: 37 µs
# per page, compared with 67 µs without a schema and 113 µs with the standard library.
_user_json = TypeAdapter(_User).serializer.to_json
_page_json = TypeAdapter(_Page).serializer.to_json


class _BareConnection(_Connection):
    """A connection that is not reset on release, like those of the services."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class Ceiling:
    """ASGI app that serves the two measured paths, and 404 for every other path."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._auth_url = environment["BENCH_AUTH_URL"]
        self._content_url = environment["BENCH_CONTENT_URL"]
        user = uuid.UUID(environment["BENCH_USER_ID"])
        session = uuid.UUID(environment["BENCH_SESSION_ID"])
        # Each list is in the order of its statement's placeholders.
        self._user = ACTIVE_USER_BY_SESSION._arguments(
            {"user_id": user, "session_id": session, "token_made_at": utc_now()}
        )
        self._page = PUBLISHED_POSTS._arguments(
            {"at": FIRST.at, "id": FIRST.id, "limit": _LIMIT + 1}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["path"] == "/api/v1/users/me":
            await _respond(send, 200, await self._read_me())
        elif scope["path"] == "/api/v1/posts":
            await _respond(send, 200, await self._read_posts())
        else:
            await _respond(send, 404, b"{}")

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._auth = await _open_pool(self._auth_url)
        self._content = await _open_pool(self._content_url)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._auth.close()
        await self._content.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _read_me(self) -> bytes:
        async with self._auth.acquire() as connection:
            row = await connection.fetchrow(ACTIVE_USER_BY_SESSION.sql, *self._user)
        if row is None:
            raise LookupError("the benchmark's user does not exist")
        user: dict[str, Any] = dict(row)
        names = (user["first_name"], user["last_name"])
        user["full_name"] = " ".join(name for name in names if name) or None
        return _user_json(user)

    async def _read_posts(self) -> bytes:
        async with self._content.acquire() as connection:
            rows = await connection.fetch(PUBLISHED_POSTS.sql, *self._page)
        items = [
            {
                "id": row["id"],
                "title": row["title"],
                "excerpt": row["excerpt"],
                "is_published": row["published_at"] is not None,
                "published_at": row["published_at"],
                "author": {
                    "id": row["author_id"],
                    "name": row["name"],
                    "avatar_url": row["avatar_url"],
                },
                "created_at": row["created_at"],
                "updated_at": row["updated_at"],
            }
            for row in rows[:_LIMIT]
        ]
        last = rows[_LIMIT - 1] if len(rows) > _LIMIT else None
        next_cursor = last and Cursor(last["published_at"], last["id"]).encode()
        return _page_json({"items": items, "next_cursor": next_cursor})


async def _open_pool(url: str) -> _Pool:
    pool: _Pool = await asyncpg.create_pool(
        url,
        min_size=_POOL_SIZE,
        max_size=_POOL_SIZE,
        connection_class=_BareConnection,
        server_settings={"timezone": "UTC", "jit": "off", "default_transaction_read_only": "on"},
    )
    return pool


async def _respond(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def create_app() -> Ceiling:
    return Ceiling(os.environ)
