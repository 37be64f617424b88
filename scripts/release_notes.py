"""Print the section of CHANGELOG.md for a release tag: `python -m scripts.release_notes v1.2.3`.

Only the standard library is needed.
"""

import sys
from pathlib import Path

from scripts.version import ROOT, current


def notes(tag: str, root: Path = ROOT) -> str:
    """Return the changes of the release, as Markdown without their heading.

    Raises ValueError when the tag is not the tree's version, or CHANGELOG.md has no changes for it.
    """
    version = current(root)
    if tag != f"v{version}":
        raise ValueError(f"The tag is {tag}, but pyproject.toml states {version}.")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    changes = changelog.partition(f"\n## {version} - ")[2].partition("\n## ")[0]
    text = changes.partition("\n")[2].strip()
    if not text:
        raise ValueError(f"CHANGELOG.md has no changes under a heading for {version}.")
    return f"{text}\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(notes(sys.argv[1]))
    except ValueError as error:
        sys.exit(str(error))
