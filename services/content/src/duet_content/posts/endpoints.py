"""Endpoints of posts."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from duet_common.db.keyset import Cursor
from duet_common.errors import InvalidCursor, InvalidToken, PreconditionFailed, Unauthenticated
from duet_common.tokens.claims import AccessClaims
from duet_common.web.api_route import ApiRoute
from duet_common.web.etag import (
    NOT_MODIFIED,
    WITH_ETAG,
    IfMatch,
    IfNoneMatch,
    unless_not_modified,
    with_etag,
)
from duet_common.web.openapi import problems
from duet_common.web.pagination import WITH_LINK, Limit, Page, cursor_parameter, make_page
from duet_common.web.principal import CurrentPrincipal, OptionalPrincipal
from duet_content.dependencies import PostQueriesDep, PostServiceDep
from duet_content.posts.errors import DraftsArePrivate, NotTheAuthor, PostNotFound
from duet_content.posts.schemas import (
    PostCreate,
    PostListItem,
    PostPage,
    PostPatch,
    PostRead,
    PostStatus,
)

router = APIRouter(prefix="/api/v1/posts", tags=["posts"], route_class=ApiRoute)
_WRITE = problems(Unauthenticated, InvalidToken, NotTheAuthor, PostNotFound, PreconditionFailed)
_WRITE_WITH_ETAG = {200: WITH_ETAG, **_WRITE}
AuthorFilter = Annotated[
    uuid.UUID | Literal["me"] | None,
    Query(description="return only posts of this user; `me` is the current user"),
]


@router.get(
    "",
    summary="List posts, newest first",
    response_model=PostPage,
    responses={
        200: WITH_LINK,
        **problems(Unauthenticated, InvalidToken, DraftsArePrivate, InvalidCursor),
    },
)
async def list_posts(
    principal: OptionalPrincipal,
    queries: PostQueriesDep,
    after: Annotated[Cursor, Depends(cursor_parameter)],
    request: Request,
    response: Response,
    author: AuthorFilter = None,
    status: PostStatus = PostStatus.PUBLISHED,
    limit: Limit = 20,
) -> Page[PostListItem]:
    """List published posts by publication time, or your own drafts by creation time."""
    author_id = _author_id(author, principal)
    if status is PostStatus.PUBLISHED:
        rows = await queries.published(after, limit + 1, author_id)
    elif principal is None:
        raise Unauthenticated
    elif author_id != principal.user_id:
        raise DraftsArePrivate
    else:
        rows = await queries.drafts(after, limit + 1, author_id)
    return make_page(PostPage, rows, limit, _cursor, request, response)


@router.post(
    "",
    summary="Create a draft",
    status_code=201,
    responses={201: WITH_ETAG, **problems(Unauthenticated, InvalidToken)},
)
async def create_post(
    new: PostCreate, principal: CurrentPrincipal, posts: PostServiceDep, response: Response
) -> PostRead:
    post = await posts.create(new, principal)
    response.headers["Location"] = f"/api/v1/posts/{post.id}"
    return with_etag(post, response)


@router.get(
    "/{post_id}",
    summary="Get a post",
    response_model=PostRead,
    responses={200: WITH_ETAG, 304: NOT_MODIFIED, **problems(InvalidToken, PostNotFound)},
)
async def read_post(
    post_id: uuid.UUID,
    principal: OptionalPrincipal,
    queries: PostQueriesDep,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> PostRead | Response:
    """Get a post. A draft is visible only to its author."""
    return unless_not_modified(await queries.get(post_id, principal), if_none_match, response)


@router.patch("/{post_id}", summary="Update a post", responses=_WRITE_WITH_ETAG)
async def update_post(
    post_id: uuid.UUID,
    changes: PostPatch,
    principal: CurrentPrincipal,
    posts: PostServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> PostRead:
    """Update a post. With `If-Match`, the response is 412 if it has changed since it was read."""
    changed = changes.model_dump(exclude_unset=True)
    return with_etag(await posts.update(post_id, changed, principal, if_match), response)


@router.delete("/{post_id}", summary="Delete a post", status_code=204, responses=_WRITE)
async def delete_post(
    post_id: uuid.UUID, principal: CurrentPrincipal, posts: PostServiceDep, if_match: IfMatch = None
) -> None:
    """Delete a post. Allowed for its author, and with `posts:moderate`."""
    await posts.delete(post_id, principal, if_match)


@router.post("/{post_id}/publish", summary="Publish a post", responses=_WRITE_WITH_ETAG)
async def publish_post(
    post_id: uuid.UUID,
    principal: CurrentPrincipal,
    posts: PostServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> PostRead:
    return with_etag(await posts.publish(post_id, principal, if_match), response)


@router.post("/{post_id}/unpublish", summary="Unpublish a post", responses=_WRITE_WITH_ETAG)
async def unpublish_post(
    post_id: uuid.UUID,
    principal: CurrentPrincipal,
    posts: PostServiceDep,
    response: Response,
    if_match: IfMatch = None,
) -> PostRead:
    """Make a post a draft again. Allowed for its author, and with `posts:moderate`."""
    return with_etag(await posts.unpublish(post_id, principal, if_match), response)


def _author_id(
    author: uuid.UUID | Literal["me"] | None, principal: AccessClaims | None
) -> uuid.UUID | None:
    if author != "me":
        return author
    if principal is None:
        raise Unauthenticated
    return principal.user_id


def _cursor(post: PostListItem) -> Cursor:
    return Cursor(post.published_at or post.created_at, post.id)
