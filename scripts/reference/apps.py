"""The apps of both services, as in production. An app opens no connection before it starts."""

from base64 import b64encode
from functools import cache
from typing import Final

from pydantic import SecretStr

from duet_auth.main import create_app as create_auth
from duet_auth.settings import AuthSettings
from duet_common.web.runtime import Runtime, Service
from duet_content.main import create_app as create_content
from duet_content.settings import ContentSettings

_UNUSED_URL: Final = SecretStr("postgresql://unused")


@cache
def apps() -> dict[str, Service[Runtime]]:
    """Return the apps of auth and content, by the name of their service."""
    key = SecretStr(b64encode(bytes(32)).decode())
    auth = AuthSettings(AUTH_DATABASE_URL=_UNUSED_URL, key_encryption_key=key)
    content = ContentSettings(CONTENT_DATABASE_URL=_UNUSED_URL)
    return {"auth": create_auth(auth), "content": create_content(content)}
