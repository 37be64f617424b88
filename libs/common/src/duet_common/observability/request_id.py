"""The id of the current request, for its log lines and its problem details."""

from contextvars import ContextVar
from typing import Final

REQUEST_ID: Final[ContextVar[str]] = ContextVar("duet_request_id", default="-")
