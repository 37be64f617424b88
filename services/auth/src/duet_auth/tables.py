"""Every table of auth, imported so that the metadata is whole."""

from typing import Final

from sqlalchemy import MetaData

from duet_auth.base import AuthBase
from duet_auth.keys.models import SigningKeyRow
from duet_auth.sessions.models import RefreshToken, UserSession
from duet_auth.users.models import User

METADATA: Final[MetaData] = AuthBase.metadata

__all__ = ["METADATA", "RefreshToken", "SigningKeyRow", "User", "UserSession"]
