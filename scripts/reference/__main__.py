"""Write the generated sections of the README and of `docs`: `python -m scripts.reference`.

With `--check`, nothing is written, and the exit status is 1 if a section is out of date.
"""

import sys
from pathlib import Path
from typing import Final

from scripts.reference.pages import SECTIONS, stale_pages

_ROOT: Final = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    paths = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]
    pages = {path: path.read_text(encoding="utf-8") for path in paths}
    stale = stale_pages(pages, SECTIONS)
    if arguments == ["--check"]:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(_ROOT)} is out of date. Run `make docs`.\n")
        return int(bool(stale))
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
