"""Every file states the same version, and a release writes a new one into all of them."""

import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from scripts.release_notes import notes
from scripts.version import ROOT, current, differing, stated, write

_TODAY = date(2026, 12, 31)
_PINNED_IMAGE = re.compile(r"\bduet-(?:auth|content):\d+\.\d+\.\d+|^ARG VERSION=\d", re.MULTILINE)
_CHANGELOG = """# Changelog

## Unreleased

### Added
- A thing.

## 0.0.1 - 2026-01-01

### Added
- An older thing.
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the files that state the version, with a changelog."""
    for file, _ in stated():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "CHANGELOG.md").write_text(_CHANGELOG)
    return tmp_path


def test_every_file_states_the_same_version() -> None:
    assert differing() == []


def test_every_package_and_chart_states_the_version() -> None:
    files = {file for file, _ in stated()}
    packages = {*ROOT.glob("libs/*/"), *ROOT.glob("services/*/")}
    charts = set(ROOT.glob("deploy/helm/*/"))
    assert {f"{path.relative_to(ROOT)}/pyproject.toml" for path in packages} <= files
    assert {f"{path.relative_to(ROOT)}/Chart.yaml" for path in charts} <= files


def test_a_file_that_differs_from_pyproject_is_named(tree: Path) -> None:
    chart = tree / "deploy/helm/duet/Chart.yaml"
    chart.write_text(chart.read_text().replace(f"appVersion: {current()}", "appVersion: 9.9.9"))
    assert differing(tree) == [
        f"deploy/helm/duet/Chart.yaml states 9.9.9, but pyproject.toml states {current()}"
    ]


def test_a_new_version_is_written_into_every_file(tree: Path) -> None:
    write("12.0.3", _TODAY, tree)
    assert {version for _, version in stated(tree)} == {"12.0.3"}
    assert [file for file, _ in stated(tree)] == [file for file, _ in stated()]


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0-rc.1", "1.0.0rc1", ""])
def test_a_version_that_is_not_three_numbers_is_refused(tree: Path, version: str) -> None:
    with pytest.raises(ValueError, match=r"not of the form 1\.2\.3"):
        write(version, _TODAY, tree)
    assert stated(tree) == stated()


def _sources() -> Iterator[Path]:
    for folder in ("deploy", "libs", "scripts", "services", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in {"", ".py", ".yaml", ".tpl"}:
                yield path


def test_no_other_file_repeats_the_version_of_an_image() -> None:
    repeating = [path for path in _sources() if _PINNED_IMAGE.search(path.read_text("utf-8"))]
    assert repeating == []


def test_the_release_notes_are_the_changes_since_the_last_release(tree: Path) -> None:
    write("1.2.3", _TODAY, tree)
    assert "## Unreleased\n\n## 1.2.3 - 2026-12-31\n" in (tree / "CHANGELOG.md").read_text()
    assert notes("v1.2.3", tree) == "### Added\n- A thing.\n"


def test_a_tag_of_another_version_is_refused(tree: Path) -> None:
    write("1.2.3", _TODAY, tree)
    with pytest.raises(ValueError, match=r"tag is v1\.2\.4, but pyproject\.toml states 1\.2\.3"):
        notes("v1.2.4", tree)


def test_a_release_without_changes_is_refused(tree: Path) -> None:
    write("1.2.3", _TODAY, tree)
    write("1.2.4", _TODAY, tree)
    with pytest.raises(ValueError, match=r"no changes under a heading for 1\.2\.4"):
        notes("v1.2.4", tree)
