"""Programs in `tests/clients`, and the clients that are generated for them."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from tests.support.programs import run_program
from tests.support.required_programs import require_program

_SOURCES: Final = Path(__file__).parents[1] / "clients"
_BIN: Final = Path(sys.executable).parent


async def run(folder: Path, *command: str, **environment: str) -> None:
    """Run a program in a folder. Fails the test if its exit status is not 0."""
    end = await run_program(command, {**os.environ, **environment}, folder, seconds=120)
    assert end.status == 0, end.output + end.errors


async def compile_typescript(openapi: str, folder: Path) -> None:
    """Generate the TypeScript clients, and compile the programs, of which `run` can run each.

    Skips the test if Node.js is not installed.
    """
    npm = require_program("npm")
    require_program("node")
    shutil.copytree(
        _SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True
    )
    (folder / "openapi.json").write_text(openapi)
    await run(folder, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    await run(folder, npm, "run", "generate")
    await run(folder, npm, "run", "compile")


async def check_python(openapi: str, folder: Path) -> Path:
    """Generate the Python client, check the types of its program, and return the program."""
    (folder / "openapi.json").write_text(openapi)
    (folder / "config.yaml").write_text("post_hooks: []")  # no need to format the client
    program = Path(shutil.copy(_SOURCES / "python_client.py", folder))
    await run(
        folder,
        *(str(_BIN / "openapi-python-client"), "generate", "--fail-on-warning"),
        *("--path", "openapi.json", "--config", "config.yaml"),
        *("--meta", "none", "--output-path", "duet_client"),
    )
    await run(folder, str(_BIN / "mypy"), "--strict", "--config-file=", program.name)
    return program
