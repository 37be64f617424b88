"""What the reference pages in `docs` name."""

import re
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "docs/reference"


def documented(page: str) -> set[str]:
    """The names in the first column of a page's tables."""
    text = (_FOLDER / f"{page}.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
