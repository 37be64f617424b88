"""What can go wrong with users."""

from duet_common.errors import Conflict, NotFound, Unprocessable


class EmailTaken(Conflict):
    code = "email_taken"
    title = "A user with this email exists already"


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "There is no such user"


class WrongPassword(Unprocessable):
    code = "wrong_password"
    title = "The current password is wrong"
