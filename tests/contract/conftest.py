"""Fixtures for tests that run the programs of the services."""

from pathlib import Path

import httpx
import pytest

from duet_common.testing.tokens import TokenFactory
from duet_standalone.databases import DatabaseUrls
from tests.support.clients import compile_typescript
from tests.support.running_duet import KEY_ENCRYPTION_KEY, Duet


@pytest.fixture
def tokens() -> TokenFactory:
    return TokenFactory()


@pytest.fixture
def environment(
    database_urls: DatabaseUrls, tokens: TokenFactory, tmp_path: Path
) -> dict[str, str]:
    """The environment of both services' programs."""
    jwks_file = tmp_path / "jwks.json"
    jwks_file.write_bytes(tokens.jwks())
    return {
        "AUTH_DATABASE_URL": database_urls.auth,
        "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY,
        "CONTENT_DATABASE_URL": database_urls.content,
        "JWKS_FILE": str(jwks_file),
        "PORT": "0",
        "DRAIN_SECONDS": "5",
        "TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1",
    }


@pytest.fixture(scope="session")
async def typescript_programs(session_duet: Duet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled programs of `tests/clients`. It needs Node.js."""
    async with httpx.AsyncClient(base_url=session_duet.url) as client:
        openapi = await client.get("/openapi.json")
    folder = tmp_path_factory.mktemp("clients")
    await compile_typescript(openapi.text, folder)
    return folder
