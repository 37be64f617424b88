"""Names of channels, and who may subscribe to them."""

import re
import uuid
from typing import Final

from duet_content.realtime.errors import NotYourChannel, UnknownChannel

LOBBY: Final = "lobby"
_ROOM: Final = re.compile(r"room:[A-Za-z0-9_-]{1,64}")
_USER: Final = "user:"


def check_channel(name: str, user_id: uuid.UUID) -> None:
    """Allow `lobby`, `room:<name>` and the user's own `user:<id>`.

    Raises `NotYourChannel` or `UnknownChannel`.
    """
    if name == LOBBY or _ROOM.fullmatch(name) or name == f"{_USER}{user_id}":
        return
    raise NotYourChannel if name.startswith(_USER) else UnknownChannel
