"""Content needs only its own database and a file of public keys, and nothing of auth."""

import ast
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

import duet_content
from duet_common.ids import new_id
from duet_common.testing.tokens import TokenFactory
from duet_content.settings import ContentSettings
from duet_standalone.databases import DatabaseUrls
from tests.support.problems import assert_problem
from tests.support.programs import CONTENT, running_program

FACTORY = TokenFactory()
FORBIDDEN = ("duet_auth", "duet_standalone", "duet_common.tokens.signing", "duet_common.testing")


def _forbidden(modules: set[str]) -> set[str]:
    return {m for m in modules for name in FORBIDDEN if m == name or m.startswith(f"{name}.")}


@pytest.fixture(scope="module")
async def content_client(
    database_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a content process that is configured with only a database and a key file."""
    folder = tmp_path_factory.mktemp("content")
    jwks = folder / "jwks.json"
    jwks.write_bytes(FACTORY.jwks())
    environment = {"CONTENT_DATABASE_URL": database_urls.content, "JWKS_FILE": str(jwks)}
    async with (
        running_program(CONTENT, environment, folder) as program,
        httpx.AsyncClient(base_url=program.url) as client,
    ):
        yield client


async def test_content_is_ready(content_client: httpx.AsyncClient) -> None:
    response = await content_client.get("/readyz")
    assert response.json() == {
        "status": "ok",
        "checks": {"database": True, "schema": True, "verification_key": True},
    }


async def test_content_accepts_a_token_that_is_signed_with_a_key_of_the_file(
    content_client: httpx.AsyncClient,
) -> None:
    user = new_id()
    headers = {"Authorization": f"Bearer {FACTORY.access_token(user)}"}
    response = await content_client.get("/api/v1/posts", params={"author": "me"}, headers=headers)
    assert response.status_code == 200


async def test_content_refuses_a_token_that_is_signed_with_another_key(
    content_client: httpx.AsyncClient,
) -> None:
    headers = {"Authorization": f"Bearer {TokenFactory().access_token()}"}
    assert_problem(await content_client.get("/api/v1/posts", headers=headers), 401, "invalid_token")


def test_the_key_file_contains_no_private_members() -> None:
    for key in json.loads(FACTORY.jwks())["keys"]:
        assert key.keys().isdisjoint({"d", "p", "q", "dp", "dq", "qi", "k"})


def test_content_has_no_settings_for_the_database_or_private_keys_of_auth() -> None:
    names = set(ContentSettings.model_fields)
    names |= {str(field.validation_alias) for field in ContentSettings.model_fields.values()}
    forbidden = [
        n for n in names if any(word in n.lower() for word in ("auth_", "encrypt", "sign"))
    ]
    assert forbidden == []


def test_importing_content_does_not_import_signing_code() -> None:
    program = "import json, sys, duet_content.main; print(json.dumps(list(sys.modules)))"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    modules = set(json.loads(process.stdout))
    assert "duet_content.posts.service" in modules
    assert _forbidden(modules) == set()


def test_no_module_of_content_imports_signing_code() -> None:
    """This includes imports in functions, which only run when the function is called."""
    modules: set[str] = set()
    for path in Path(duet_content.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    assert "duet_common.tokens.verifier" in modules
    assert _forbidden(modules) == set()
