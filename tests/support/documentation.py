"""The names that the reference pages in `docs` list."""

import re
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "docs/reference"


def documented_names(page: str) -> set[str]:
    """Return the names in the first column of the tables of a reference page."""
    text = (_FOLDER / f"{page}.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
