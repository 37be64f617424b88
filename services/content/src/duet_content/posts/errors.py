"""What can go wrong with posts."""

from duet_common.errors import Forbidden, NotFound


class PostNotFound(NotFound):
    code = "post_not_found"
    title = "There is no such post"


class NotTheAuthor(Forbidden):
    code = "not_the_author"
    title = "Only its author may do this"


class DraftsArePrivate(Forbidden):
    code = "drafts_are_private"
    title = "Drafts are their author's alone: use author=me"
