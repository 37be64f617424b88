"""Generate the list of architecture decision records from the headings of their files."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parents[2] / "docs/adr"


def decision_list() -> str:
    """Return a Markdown list of links to the records, sorted by number, relative to `docs/adr`."""
    records = sorted(_FOLDER.glob("[0-9]*.md"))
    return "".join(f"- [{_heading(record)}]({record.name})\n" for record in records)


def _heading(record: Path) -> str:
    heading, _, _ = record.read_text(encoding="utf-8").partition("\n")
    return heading.removeprefix("# ")
