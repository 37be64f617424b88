"""The configuration table of the README, generated from the settings: `make docs`."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from duet_auth.settings import AuthSettings
from duet_common.settings import ServeSettings, ServiceSettings
from duet_common.web.gunicorn import GunicornSettings
from duet_content.settings import ContentSettings
from duet_standalone.settings import StandaloneSettings

_BEGIN: Final = "<!-- settings: `make docs` writes what follows -->\n"
_END: Final = "<!-- end of settings -->\n"
_SECTIONS: Final[tuple[tuple[str, type[BaseSettings]], ...]] = (
    ("`make run`", StandaloneSettings),
    ("`serve`, gunicorn", ServeSettings),
    ("gunicorn", GunicornSettings),
    ("both services", ServiceSettings),
    ("auth", AuthSettings),
    ("content", ContentSettings),
)


def settings_table() -> str:
    """One Markdown table: variable, default, meaning, by who reads it."""
    lines = ["| variable | default | read by | meaning |", "|---|---|---|---|"]
    for reader, settings in _SECTIONS:
        bases = [s for _, s in _SECTIONS if issubclass(settings, s) and settings is not s]
        inherited = {name for base in bases for name in base.model_fields}
        own = ((n, f) for n, f in settings.model_fields.items() if n not in inherited)
        lines += _rows(reader, own)
    return "\n".join(lines) + "\n"


def _rows(reader: str, fields: Iterable[tuple[str, FieldInfo]]) -> list[str]:
    return [
        f"| `{str(field.validation_alias or name).upper()}` | {_default(field)} | {reader} | "
        f"{field.description} |"
        for name, field in fields
    ]


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def main(path: Path, *, check: bool) -> int:
    """Write the table between its two marks, or only say whether it is fresh."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    fresh = f"{before}{_BEGIN}\n{settings_table()}\n{_END}{after}"
    if check:
        if fresh != text:
            sys.stderr.write(f"{path}: the settings table is not fresh: run `make docs`\n")
        return int(fresh != text)
    path.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    *flags, name = sys.argv[1:]
    sys.exit(main(Path(name), check="--check" in flags))
