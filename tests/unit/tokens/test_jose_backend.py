"""python-jose uses cryptography. Its fallback, ecdsa, has a timing attack (CVE-2024-23342)."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FALLBACKS = {"ecdsa", "pyasn1", "rsa"}

_USE_EVERYTHING = """
import asyncio
from pydantic import SecretStr
from duet_auth.main import create_app as create_auth
from duet_auth.settings import AuthSettings
from duet_common.testing.tokens import StaticKeySource, TokenFactory
from duet_common.tokens.keys import parse_jwks
from duet_common.tokens.verifier import TokenVerifier
from duet_content.main import create_app as create_content
from duet_content.settings import ContentSettings
from duet_standalone import __main__

url = SecretStr("postgresql://nobody@nowhere/none")
create_auth(AuthSettings(AUTH_DATABASE_URL=url, key_encryption_key=SecretStr("A" * 43 + "=")))
create_content(ContentSettings(CONTENT_DATABASE_URL=url))
for algorithm in ("ES256", "RS256"):
    factory = TokenFactory(algorithm=algorithm)
    verifier = TokenVerifier(
        StaticKeySource(parse_jwks(factory.jwks())), factory.policy, factory.clock
    )
    asyncio.run(verifier.verify(factory.access_token()))
"""


def imported_fallbacks(script: str, folder: Path) -> set[str]:
    """The fallbacks that a script imports, in a process in which each of them can be imported."""
    for name in FALLBACKS:
        (folder / f"{name}.py").touch()
    report = f"import sys; print(*({FALLBACKS!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\n{report}"],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_nothing_that_the_services_do_imports_a_fallback(tmp_path: Path) -> None:
    assert imported_fallbacks(_USE_EVERYTHING, tmp_path) == set()


@pytest.mark.parametrize(
    ("backend", "fallback"), [("ecdsa_backend", "ecdsa"), ("rsa_backend", "rsa")]
)
def test_an_import_of_a_fallback_would_be_noticed(
    tmp_path: Path, backend: str, fallback: str
) -> None:
    script = f"try: import jose.backends.{backend}\nexcept (ImportError, AttributeError): pass"

    assert fallback in imported_fallbacks(script, tmp_path)


def test_ecdsa_is_neither_locked_nor_installed() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())

    assert "ecdsa" not in {package["name"] for package in lock["package"]}
    assert importlib.util.find_spec("ecdsa") is None
