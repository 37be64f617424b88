"""Each chart's values.schema.json and the table in its README.md, from the comments of values.yaml.

    # -- what it is, in the words of the table; lines may follow
    # @schema {"minimum": 1}
    key: 1

A key with such a comment is one value, whatever is in it; one without is a section. `@schema`, one
line of JSON, adds what the default does not tell. Unknown keys are refused, except directly below
`global`, which charts share.

`python -m scripts.values_docs [--check]`
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_CHARTS: Final = Path(__file__).parents[1] / "deploy/helm"
_BEGIN: Final = "<!-- values: `python -m scripts.values_docs` writes what follows -->\n"
_END: Final = "<!-- end of values -->\n"
_TYPES: Final = {
    "tag:yaml.org,2002:str": "string",
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:bool": "boolean",
    "tag:yaml.org,2002:seq": "array",
    "tag:yaml.org,2002:map": "object",
}
Schema = dict[str, Any]


class UndocumentedValue(Exception):
    """A value has no comment, or its comment cannot be read."""


@dataclass(frozen=True, slots=True)
class Comment:
    text: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Value:
    """One line of the table."""

    path: tuple[str, ...]
    default: object
    schema: Schema


def read_values(text: str) -> list[Value]:
    """The values of a values.yaml, in its order. Raises `UndocumentedValue`."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return list(_walk(root, (), text.splitlines())) if root is not None else []


def _walk(node: yaml.Node, path: tuple[str, ...], lines: list[str]) -> Iterator[Value]:
    if not isinstance(node, yaml.MappingNode):
        raise UndocumentedValue(f"{'.'.join(path)} has no comment")
    for key, value in node.value:
        here = (*path, str(key.value))
        comment = _comment_above(lines, key.start_mark.line, ".".join(here))
        if comment is None:
            yield from _walk(value, here, lines)
            continue
        inferred: Schema = {"description": comment.text, "type": _TYPES[value.tag]}
        default = yaml.safe_load(yaml.serialize(value))
        yield Value(here, default, inferred | comment.schema)


def _comment_above(lines: list[str], line: int, path: str) -> Comment | None:
    """The comment that ends above a line, if it documents a value."""
    first = line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    said = [text.lstrip().removeprefix("#").strip() for text in lines[first:line]]
    begins = [number for number, text in enumerate(said) if text.startswith("-- ")]
    if not begins:
        return None
    words: list[str] = []
    schema: Schema = {}
    for text in said[begins[-1] :]:
        if not text.startswith("@"):
            words.append(text.removeprefix("-- "))
            continue
        try:
            schema |= json.loads(text.removeprefix("@schema "))
        except ValueError as error:
            raise UndocumentedValue(f"{path}: {text!r} is not @schema and JSON") from error
    return Comment(" ".join(words), schema)


def make_schema(values: list[Value], dependencies: list[str]) -> Schema:
    """The JSON schema of a chart's values; each dependency's own schema judges what is below it."""
    root = _section()
    for value in values:
        section = root
        for name in value.path[:-1]:
            section = section["properties"].setdefault(name, _section())
        section["properties"][value.path[-1]] = value.schema
    if "global" in root["properties"]:
        del root["properties"]["global"]["additionalProperties"]
    for name in dependencies:
        root["properties"].setdefault(name, _passed_to(name))
    # Helm puts the parent's globals here.
    root["properties"].setdefault("global", {"type": "object"})
    return {"$schema": "http://json-schema.org/draft-07/schema#", **root}


def _section() -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _passed_to(name: str) -> Schema:
    """What may be below a dependency that the chart has no value for: globals."""
    return {
        "description": f"passed to {name} by Helm",
        "type": "object",
        "additionalProperties": False,
        "properties": {"global": {"type": "object"}},
    }


def make_table(values: list[Value]) -> str:
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for value in values:
        default = json.dumps(value.default)
        choices = value.schema.get("enum")
        meaning = value.schema["description"].replace("|", "\\|")
        if choices:
            meaning += " (" + ", ".join(f"`{json.dumps(choice)}`" for choice in choices) + ")"
        rows.append(f"| `{'.'.join(value.path)}` | `{default}` | {meaning} |")
    return "\n".join(rows) + "\n"


def generated(chart: Path) -> dict[Path, str]:
    """The chart's generated files, as they should be."""
    values = read_values((chart / "values.yaml").read_text())
    metadata = yaml.safe_load((chart / "Chart.yaml").read_text())
    dependencies = [item.get("alias", item["name"]) for item in metadata.get("dependencies", [])]
    schema = make_schema(values, dependencies)
    readme = chart / "README.md"
    before, _, rest = readme.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return {
        chart / "values.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        readme: f"{before}{_BEGIN}\n{make_table(values)}\n{_END}{after}",
    }


def charts() -> list[Path]:
    """The charts that have values."""
    return sorted(path.parent for path in _CHARTS.glob("*/values.yaml"))


def stale() -> dict[Path, str]:
    """The generated files that are not as they should be."""
    files = {path: text for chart in charts() for path, text in generated(chart).items()}
    return {p: text for p, text in files.items() if not p.exists() or p.read_text() != text}


def main(arguments: list[str]) -> int:
    try:
        files = stale()
    except UndocumentedValue as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments == ["--check"]:
        for path in files:
            sys.stderr.write(f"{path} is stale: python -m scripts.values_docs\n")
        return 1 if files else 0
    for path, text in files.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
