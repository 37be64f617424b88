"""Dependencies of content's endpoints: its services.

All are `async`, even those that await nothing, because FastAPI runs a plain function in a thread.
"""

from typing import Annotated

from fastapi import Depends, Request

from duet_common.web.runtime import Runtime, runtime_of
from duet_common.web.transaction import ReadOnlyPoolDep, WriteSessionDep
from duet_content.posts.service import PostQueries, PostService
from duet_content.profiles.service import ProfileService


async def profile_service(session: WriteSessionDep, pool: ReadOnlyPoolDep) -> ProfileService:
    return ProfileService(session, pool)


ProfileServiceDep = Annotated[ProfileService, Depends(profile_service)]


async def post_service(request: Request, session: WriteSessionDep) -> PostService:
    return PostService(session, runtime_of(request, Runtime).clock)


PostServiceDep = Annotated[PostService, Depends(post_service)]


async def post_queries(request: Request) -> PostQueries:
    return PostQueries(runtime_of(request, Runtime).database.read_only_pool)


PostQueriesDep = Annotated[PostQueries, Depends(post_queries)]
