"""Errors of the events domain. Only other services see them."""

from duet_common.errors import DuetError, Unauthenticated, Unavailable


class InvalidEventsToken(Unauthenticated):
    code = "invalid_events_token"
    title = "The credential of the feed is missing or wrong. Check EVENTS_TOKEN of both services."


class EventsCursorExpired(DuetError):
    """The cursor is too old, is in the future, or belongs to another history of the database."""

    status = 410
    code = "events_cursor_expired"
    title = "The feed no longer has the position of this cursor. Start over with /internal/users."


class TooManyWaitingRequests(Unavailable):
    code = "too_many_waiting_requests"
    title = "Too many requests are waiting for events. Retry after the time in Retry-After."
