"""The documentation site as `make check` builds it, from a copy of the pages."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LOADED = re.compile(r'<(?:script|img|iframe)[^>]*\ssrc="([^"]*)"|<link[^>]*\shref="([^"]*)"')


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A copy of the pages, which a test can change."""
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    return Path(shutil.copytree(ROOT / "docs", tmp_path / "docs"))


def build(pages: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=pages.parent,
        env={"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_the_site_loads_nothing_from_other_hosts(pages: Path) -> None:
    diagram = "```mermaid\nflowchart LR\n  a --> b\n```\n"  # its script would come from a CDN
    (pages / "diagram.md").write_text(f"# Diagram\n\n{diagram}")
    built = build(pages)

    assert built.returncode == 0, built.stdout + built.stderr
    html = [path.read_text() for path in (pages.parent / "site").rglob("*.html")]
    loaded = [src or href for text in html for src, href in _LOADED.findall(text)]
    assert len(html) > 20
    assert loaded
    assert [address for address in loaded if "//" in address] == []
    assert [text for text in html if 'class="mermaid"' in text] == []


def test_a_new_page_is_in_the_navigation_of_every_page(pages: Path) -> None:
    (pages / "guides" / "new.md").write_text("# A new guide\n")
    built = build(pages)

    assert built.returncode == 0, built.stdout + built.stderr
    for page in ("index.html", "adr/index.html", "reference/errors/index.html"):
        assert "A new guide" in (pages.parent / "site" / page).read_text()


def test_a_broken_link_fails_the_build(pages: Path) -> None:
    (pages / "guides" / "new.md").write_text("# A new guide\n\n[Nothing](nothing.md)\n")
    built = build(pages)

    assert built.returncode != 0
    assert "page does not exist" in built.stdout + built.stderr
