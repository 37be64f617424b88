"""`make migration`, on a copy of content's package, to which a test may add a domain."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.new_migration import main

ROOT = Path(__file__).parents[2]
MODELS = """
import uuid

from sqlalchemy import Text, text
from sqlalchemy.orm import Mapped, mapped_column

from duet_common.db.base import Entity
from duet_content.base import ContentBase


class Comment(Entity, ContentBase):
    __tablename__ = "comments"

    post_id: Mapped[uuid.UUID] = mapped_column(index=True)
    words: Mapped[str] = mapped_column(Text, server_default=text("''"))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    copy = tmp_path / "duet_content"
    shutil.copytree(ROOT / "services/content/src/duet_content", copy)
    return copy


def run(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module with the repository's environment, in which `package` hides the original."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def revisions(package: Path) -> list[Path]:
    return sorted((package / "migrations/versions").glob("*.py"))


def test_it_writes_a_formatted_revision_for_a_domain_that_is_registered_nowhere(
    package: Path,
) -> None:
    before = revisions(package)
    (package / "comments").mkdir()
    (package / "comments/__init__.py").touch()
    (package / "comments/models.py").write_text(MODELS)

    done = run(package, "scripts.new_migration", "content", "add comments")

    assert done.returncode == 0, done.stderr
    (new,) = set(revisions(package)) - set(before)
    number = len(before) + 1
    assert new.name == f"content_{number:04}_add_comments.py"
    assert f"{new.name}\nNext: " in done.stdout
    source = new.read_text()
    assert source.startswith('"""Add comments."""\n')
    assert f'revision = "content_{number:04}"' in source
    assert f'down_revision = "content_{number - 1:04}"' in source
    configuration = f"--config={ROOT / 'pyproject.toml'}"
    for check in (("check",), ("format", "--check")):
        checked = run(package, "ruff", *check, configuration, str(new))
        assert checked.returncode == 0, checked.stdout

    # The new revision is part of the history, and it leaves no difference.
    again = run(package, "scripts.new_migration", "content", "add comments again")
    assert again.returncode == 1
    assert "no file was written" in again.stderr
    assert set(revisions(package)) == {*before, new}


@pytest.mark.parametrize(
    ("service", "message", "reason"),
    [
        ("", "add comments", "SERVICE must be one of auth, content, not ''."),
        ("gateway", "add comments", "SERVICE must be one of auth, content, not 'gateway'."),
        ("content", "", "MESSAGE must say what the migration does"),
        ("content", " ", "MESSAGE must say what the migration does"),
        ("content", 'add """', "MESSAGE must say what the migration does"),
        ("content", "a" * 81, "MESSAGE must say what the migration does"),
    ],
)
def test_a_missing_or_unknown_argument_is_reported(
    capsys: pytest.CaptureFixture[str], service: str, message: str, reason: str
) -> None:
    assert main(service, message) == 1

    said = capsys.readouterr().err
    assert said.startswith(f"make migration: {reason}")
    assert "Example: make migration SERVICE=" in said
