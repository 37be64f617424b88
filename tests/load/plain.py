"""The plain app: a FastAPI app on the same tables that is written like most examples.

It has one session per request from a pool with pre-ping, ORM objects that are serialized with a
response model, and tokens with a shared secret (HS256) that are decoded on each request.
`tests.load.bench` runs it.
"""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import OAuth2PasswordBearer
from jose import JWTError, jwt  # noqa: TID251 - as in the usual example, for comparison
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ARRAY, DateTime, ForeignKey, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    joinedload,
    mapped_column,
    relationship,
)

from duet_common.clock import utc_now

_ALGORITHM = "HS256"


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - as documented


class User(Base):
    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    hashed_password: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    is_active: Mapped[bool]
    is_superuser: Mapped[bool]
    email_verified: Mapped[bool]
    permissions: Mapped[list[str]] = mapped_column(ARRAY(String(100)))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def full_name(self) -> str | None:
        return " ".join(name for name in (self.first_name, self.last_name) if name) or None


class Profile(Base):
    __tablename__ = "profiles"

    id: Mapped[uuid.UUID] = mapped_column("user_id", primary_key=True)
    name: Mapped[str | None] = mapped_column("display_name")
    avatar_url: Mapped[str | None]


class Post(Base):
    __tablename__ = "posts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Profile.id))
    title: Mapped[str]
    content: Mapped[str] = mapped_column(deferred=True)
    excerpt: Mapped[str] = column_property(func.left(content, 500))
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    author: Mapped[Profile] = relationship()

    @property
    def is_published(self) -> bool:
        return self.published_at is not None


class FromOrm(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class UserOut(FromOrm):
    id: uuid.UUID
    email: str
    first_name: str | None
    last_name: str | None
    full_name: str | None
    is_active: bool
    is_superuser: bool
    email_verified: bool
    permissions: list[str]
    created_at: datetime
    updated_at: datetime


class AuthorOut(FromOrm):
    id: uuid.UUID
    name: str | None
    avatar_url: str | None


class PostOut(FromOrm):
    id: uuid.UUID
    title: str
    excerpt: str
    is_published: bool
    published_at: datetime | None
    author: AuthorOut
    created_at: datetime
    updated_at: datetime


class PostsOut(FromOrm):
    items: list[PostOut]


def issue_token(user_id: uuid.UUID, secret: str) -> str:
    claims = {"sub": str(user_id), "exp": utc_now() + timedelta(hours=1)}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def create_app() -> FastAPI:
    app = FastAPI()
    get_auth_db = _database(os.environ["BENCH_AUTH_URL"])
    get_content_db = _database(os.environ["BENCH_CONTENT_URL"])
    secret = os.environ["BENCH_SECRET"]
    oauth2_scheme = OAuth2PasswordBearer(tokenUrl="login")

    async def get_user_id(token: Annotated[str, Depends(oauth2_scheme)]) -> uuid.UUID:
        try:
            payload = jwt.decode(token, secret, algorithms=[_ALGORITHM])
            return uuid.UUID(payload["sub"])
        except (JWTError, KeyError, ValueError):
            raise HTTPException(401, "Could not validate credentials") from None

    async def get_current_user(
        user_id: Annotated[uuid.UUID, Depends(get_user_id)],
        db: Annotated[AsyncSession, Depends(get_auth_db)],
    ) -> User:
        user = await db.scalar(select(User).where(User.id == user_id))
        if user is None or not user.is_active:
            raise HTTPException(401, "Could not validate credentials")
        return user

    @app.get("/api/v1/users/me", response_model=UserOut)
    async def read_me(user: Annotated[User, Depends(get_current_user)]) -> User:
        return user

    @app.get("/api/v1/posts", response_model=PostsOut, dependencies=[Depends(get_user_id)])
    async def read_posts(
        db: Annotated[AsyncSession, Depends(get_content_db)],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> dict[str, Sequence[Post]]:
        query = (
            select(Post)
            .options(joinedload(Post.author))
            .where(Post.published_at.is_not(None))
            .order_by(Post.published_at.desc(), Post.id.desc())
            .offset(offset)
            .limit(limit)
        )
        return {"items": (await db.scalars(query)).all()}

    return app


def _database(url: str) -> Callable[[], AsyncIterator[AsyncSession]]:
    arguments: dict[str, Any] = {"server_settings": {"timezone": "UTC", "jit": "off"}}
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=5,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args=arguments,
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    return get_db
