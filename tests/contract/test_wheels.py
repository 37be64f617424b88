"""Each package works where only its wheel, and what the wheel declares, is installed."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.required_programs import skip_or_fail_in_ci

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
# Alembic alone can import `migrations.env`: the module runs the migrations when it is imported.
_IMPORT_EVERY_MODULE = """
import importlib, pkgutil, sys

package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
    if not module.name.endswith(".migrations.env"):
        importlib.import_module(module.name)
        print(module.name)
"""


def workspace_packages() -> list[str]:
    """The names of the packages in this repository."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    members = [ROOT / member for member in root["tool"]["uv"]["workspace"]["members"]]
    return [tomllib.loads((m / "pyproject.toml").read_text())["project"]["name"] for m in members]


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def uv() -> str:
    installed = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".tools" / "bin"))
    return installed or skip_or_fail_in_ci("uv is not installed")


@pytest.fixture(scope="module")
def constraints(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked version of each dependency, and the wheel of each package in this repository."""
    folder = tmp_path_factory.mktemp("wheels")
    run(uv, "build", "--all-packages", "--wheel", "--out-dir", folder)
    locked = run(
        *(uv, "export", "--frozen", "--all-packages", "--no-dev"),
        *("--no-emit-workspace", "--no-hashes"),
    )
    wheels = [f"{wheel.name.split('-')[0]} @ {wheel.as_uri()}" for wheel in folder.glob("*.whl")]
    file = folder / "constraints.txt"
    file.write_text("\n".join([locked, *wheels]))
    return file


@pytest.mark.parametrize("package", workspace_packages())
def test_every_module_can_be_imported(
    uv: str, constraints: Path, package: str, tmp_path: Path
) -> None:
    module = package.replace("-", "_")
    python = tmp_path / "environment" / "bin" / "python"
    run(uv, "venv", "--python", sys.executable, tmp_path / "environment")
    run(uv, "pip", "install", "--python", python, "--constraint", constraints, package)

    imported = run(python, "-I", "-c", _IMPORT_EVERY_MODULE, module)

    assert f"{module}." in imported
