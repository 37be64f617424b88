"""Every table of content, imported so that the metadata is whole."""

from typing import Final

from sqlalchemy import MetaData

from duet_content.base import ContentBase
from duet_content.jwks.models import JwksCopy
from duet_content.posts.models import Post
from duet_content.profiles.models import Profile

METADATA: Final[MetaData] = ContentBase.metadata

__all__ = ["METADATA", "JwksCopy", "Post", "Profile"]
