"""What the services' programs are told."""

from pathlib import Path

import pytest

from duet_common.testing.tokens import TokenFactory
from duet_standalone.databases import DatabaseUrls
from tests.support.running_duet import KEY_ENCRYPTION_KEY


@pytest.fixture
def tokens() -> TokenFactory:
    return TokenFactory()


@pytest.fixture
def environment(
    database_urls: DatabaseUrls, tokens: TokenFactory, tmp_path: Path
) -> dict[str, str]:
    keys = tmp_path / "jwks.json"
    keys.write_bytes(tokens.jwks())
    return {
        "AUTH_DATABASE_URL": database_urls.auth,
        "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY,
        "CONTENT_DATABASE_URL": database_urls.content,
        "JWKS_FILE": str(keys),
        "PORT": "0",
        "DRAIN_SECONDS": "5",
        "TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1",
    }
