"""docs/guides/add-a-domain.md works as it is written, and a step that is left out is reported."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/guides/add-a-domain.md"
COPIED = ("pyproject.toml", "deploy/helm", "libs", "scripts", "services", "tests")
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_HUNKS = re.compile(r"^@@\n", re.MULTILINE)

CONTENT = "services/content/src/duet_content"
VERSIONS = f"{CONTENT}/migrations/versions"
GUIDE_TESTS = "tests/integration/content/test_comments.py"
PATHS_TEST = "tests/contract/test_public_paths.py"
MIGRATIONS_TEST = "tests/integration/common/test_migrations.py"
OPENAPI_TEST = "tests/unit/common/test_openapi.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        (ROOT / CONTENT / "comments").exists(), reason="the guide's domain is in the sources"
    ),
]


@dataclass(frozen=True)
class Block:
    """A block of code in the guide; `title` is the path of its file, or empty."""

    language: str
    title: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))]


def edited(text: str, diff: str) -> str:
    """Return a text after the changes of a diff, whose hunks have no line numbers."""
    for hunk in _HUNKS.split(diff):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] == " ")
        after = "".join(line[1:] for line in lines)
        assert text.count(before) == 1, f"the guide expects these lines once:\n{before}"
        text = text.replace(before, after)
    return text


@dataclass(frozen=True)
class Copy:
    """A copy of the source tree, to which the guide can be applied."""

    root: Path

    def apply_guide(self, *, without: str = "") -> None:
        for block in blocks():
            target = self.root / block.title
            if block.title in {"", without}:
                continue
            if block.language == "diff":
                target.write_text(edited(target.read_text(encoding="utf-8"), block.text))
            else:
                target.parent.mkdir(exist_ok=True)
                assert not target.exists(), f"{block.title} is not new"
                target.write_text(block.text)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment on the code of the copy."""
        sources = [*self.root.glob("libs/*/src"), *self.root.glob("services/*/src")]
        inherited = {k: v for k, v in os.environ.items() if k != "TEST_DATABASE_URL"}
        environment = {"PYTHONPATH": os.pathsep.join(map(str, sources)), "COLUMNS": "300"}
        return subprocess.run(
            [Path(sys.executable).with_name(command[0]), *command[1:]],
            cwd=self.root,
            env={**inherited, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def passes(self, *command: str) -> None:
        done = self.run(*command)
        assert done.returncode == 0, done.stdout

    def fails(self, *command: str) -> str:
        """Return what the command printed, with its lines joined."""
        done = self.run(*command)
        assert done.returncode != 0, done.stdout
        return " ".join(done.stdout.split())


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, target)
    return Copy(tmp_path)


def test_the_guide_builds_a_domain_that_passes_its_tests(copy: Copy) -> None:
    copy.apply_guide()
    copy.passes("python", "-m", "scripts.new_migration", "content", "add comments")

    [migration] = (copy.root / VERSIONS).glob("*_add_comments.py")
    [shown] = [block.text for block in blocks() if block.text.startswith("    op.")]
    assert shown in migration.read_text(encoding="utf-8")
    copy.passes("ruff", "check")
    copy.passes("ruff", "format", "--check")
    copy.passes("lint-imports", "--no-cache")
    copy.passes("mypy", f"{CONTENT}/comments", GUIDE_TESTS)
    copy.passes("pytest", GUIDE_TESTS, PATHS_TEST, OPENAPI_TEST, MIGRATIONS_TEST)


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (f"{CONTENT}/main.py", f"add it to `routers` in {CONTENT}/main.py"),
        (
            "services/standalone/src/duet_standalone/main.py",
            "CONTENT_PATHS in services/standalone/src/duet_standalone/main.py",
        ),
        (
            "deploy/helm/duet-content/files/public-paths.yaml",
            "add its prefix to deploy/helm/duet-content/files/public-paths.yaml",
        ),
    ],
)
def test_a_path_that_is_not_served_or_routed_is_reported(
    copy: Copy, left_out: str, said: str
) -> None:
    copy.apply_guide(without=left_out)

    assert said in copy.fails("pytest", PATHS_TEST)


def test_a_domain_in_no_import_contract_is_reported(copy: Copy) -> None:
    copy.apply_guide(without="pyproject.toml")

    output = copy.fails("lint-imports", "--no-cache")

    assert "add a line for it to `ignore_imports` of this contract in pyproject.toml" in output
    assert "A new domain belongs in `layers` of this contract in pyproject.toml" in output


def test_a_missing_migration_is_reported(copy: Copy) -> None:
    copy.apply_guide()

    assert "comments" in copy.fails("pytest", MIGRATIONS_TEST)
