"""Check that every file states the same version, or write a new version into all of them.

    python -m scripts.version          fails if a file differs from pyproject.toml
    python -m scripts.version 1.2.3    writes 1.2.3, and begins its section in CHANGELOG.md

pyproject.toml is the source. The packages and the charts repeat its version, because neither
uv_build nor Helm can read a version from another file. Only the standard library is needed.
"""

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
UNRELEASED: Final = "## Unreleased\n"
_FILES: Final = (
    "pyproject.toml",
    "libs/*/pyproject.toml",
    "services/*/pyproject.toml",
    "deploy/helm/*/Chart.yaml",
)
_STATED: Final = re.compile(r'^( *(?:version|appVersion)(?: = "|: ))([^"\n]+)', re.MULTILINE)
# PEP 440 and SemVer write these alike. They write pre-releases differently (1.0.0rc1, 1.0.0-rc.1).
_ACCEPTED: Final = re.compile(r"\d+\.\d+\.\d+")


def stated(root: Path = ROOT) -> list[tuple[str, str]]:
    """Return each statement of the version as (file, version); the source comes first."""
    return [
        (str(path.relative_to(root)), match[2])
        for pattern in _FILES
        for path in sorted(root.glob(pattern))
        for match in _STATED.finditer(path.read_text(encoding="utf-8"))
    ]


def current(root: Path = ROOT) -> str:
    """Return the version that the root's pyproject.toml states."""
    return stated(root)[0][1]


def differing(root: Path = ROOT) -> list[str]:
    """Return a line for each statement that differs from the source."""
    source = current(root)
    return [
        f"{file} states {version}, but pyproject.toml states {source}"
        for file, version in stated(root)
        if version != source
    ]


def write(version: str, today: date, root: Path = ROOT) -> None:
    """Write a version into every file, and put the unreleased changes under its heading.

    Raises ValueError when it is not of the form 1.2.3.
    """
    if not _ACCEPTED.fullmatch(version):
        raise ValueError(f"{version!r} is not of the form 1.2.3.")
    for file in dict(stated(root)):
        path = root / file
        text = path.read_text(encoding="utf-8")
        path.write_text(_STATED.sub(rf"\g<1>{version}", text), encoding="utf-8")
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    heading = f"{UNRELEASED}\n## {version} - {today}\n"
    changelog.write_text(text.replace(UNRELEASED, heading, 1), encoding="utf-8")


def main(arguments: list[str]) -> None:
    if arguments:
        try:
            write(arguments[0], datetime.now(UTC).date())  # noqa: TID251 - a script has no Clock
        except ValueError as error:
            sys.exit(str(error))
    elif lines := differing():
        sys.exit("\n".join([*lines, f"Run `make version VERSION={current()}`."]))


if __name__ == "__main__":
    main(sys.argv[1:])
