"""Content needs a database of its own and a file of public keys: nothing of auth's."""

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
async def alone(
    database_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a content process whose whole environment is a database and a key file."""
    folder = tmp_path_factory.mktemp("content")
    jwks = folder / "jwks.json"
    jwks.write_bytes(FACTORY.jwks())
    environment = {"CONTENT_DATABASE_URL": database_urls.content, "JWKS_FILE": str(jwks)}
    async with (
        running_program(CONTENT, environment, folder) as program,
        httpx.AsyncClient(base_url=program.url) as client,
    ):
        yield client


async def test_it_is_ready(alone: httpx.AsyncClient) -> None:
    answer = await alone.get("/readyz")
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": True, "schema": True, "verification_key": True},
    }


async def test_it_knows_who_asks(alone: httpx.AsyncClient) -> None:
    user = new_id()
    headers = {"Authorization": f"Bearer {FACTORY.access_token(user)}"}
    answer = await alone.get("/api/v1/posts", params={"author": "me"}, headers=headers)
    assert answer.status_code == 200


async def test_it_refuses_a_token_of_another_key(alone: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {TokenFactory().access_token()}"}
    assert_problem(await alone.get("/api/v1/posts", headers=headers), 401, "invalid_token")


def test_its_key_file_holds_no_private_member() -> None:
    for key in json.loads(FACTORY.jwks())["keys"]:
        assert key.keys().isdisjoint({"d", "p", "q", "dp", "dq", "qi", "k"})


def test_its_settings_know_nothing_of_auths_database_or_private_keys() -> None:
    names = set(ContentSettings.model_fields)
    names |= {str(field.validation_alias) for field in ContentSettings.model_fields.values()}
    secret = [n for n in names if any(word in n.lower() for word in ("auth_", "encrypt", "sign"))]
    assert secret == []


def test_importing_it_imports_nothing_that_signs() -> None:
    program = "import json, sys, duet_content.main; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    modules = set(json.loads(done.stdout))
    assert "duet_content.posts.service" in modules
    assert _forbidden(modules) == set()


def test_no_import_of_what_signs_hides_in_a_function() -> None:
    modules: set[str] = set()
    for path in Path(duet_content.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    assert "duet_common.tokens.verifier" in modules
    assert _forbidden(modules) == set()
