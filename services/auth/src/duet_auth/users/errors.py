"""Errors of the users domain."""

from duet_common.errors import Conflict, NotFound, Unprocessable


class EmailTaken(Conflict):
    code = "email_taken"
    title = "A user with this email already exists. Log in, or use another email."


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "User not found."


class WrongPassword(Unprocessable):
    code = "wrong_password"
    title = "The current password is wrong."
