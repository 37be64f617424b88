"""Errors of the posts domain."""

from duet_common.errors import Forbidden, NotFound


class PostNotFound(NotFound):
    code = "post_not_found"
    title = "Post not found."


class NotTheAuthor(Forbidden):
    code = "not_the_author"
    title = "Only the author of the post can do this."


class DraftsArePrivate(Forbidden):
    code = "drafts_are_private"
    title = "Drafts are visible only to their author. Use author=me to list yours."
