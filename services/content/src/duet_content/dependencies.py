"""What content's endpoints ask for: ready services.

All are `async`, even where they await nothing: FastAPI runs the others in a thread.
"""

from typing import Annotated

from fastapi import Depends, Request

from duet_common.web.boundary import Reads, WriteSession
from duet_common.web.runtime import Runtime, runtime_of
from duet_content.posts.service import PostReader, PostService
from duet_content.profiles.service import ProfileService


async def profile_service(session: WriteSession, reads: Reads) -> ProfileService:
    return ProfileService(session, reads)


async def post_service(request: Request, session: WriteSession) -> PostService:
    return PostService(session, runtime_of(request, Runtime).clock)


async def post_reader(request: Request) -> PostReader:
    return PostReader(runtime_of(request, Runtime).database.reads)


Profiles = Annotated[ProfileService, Depends(profile_service)]
Posts = Annotated[PostService, Depends(post_service)]
PostReads = Annotated[PostReader, Depends(post_reader)]
