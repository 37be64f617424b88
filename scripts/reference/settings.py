"""The settings of every program, from the classes that read them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from duet_auth.settings import AuthSettings
from duet_common.settings import ServeSettings, ServiceSettings
from duet_common.web.gunicorn import GunicornSettings
from duet_content.settings import ContentSettings
from duet_standalone.settings import StandaloneSettings
from scripts.reference.markdown import code, table

_READERS: Final[tuple[tuple[str, type[BaseSettings]], ...]] = (
    ("`make run`", StandaloneSettings),
    ("`serve`, gunicorn", ServeSettings),
    ("gunicorn", GunicornSettings),
    ("both services", ServiceSettings),
    ("auth", AuthSettings),
    ("content", ContentSettings),
)
_FORMATS: Final = {"password": "string (secret)", "path": "path", "uri": "URL"}


def overview() -> str:
    """Return one table of all settings, for the README."""
    rows = [
        (_variable(name, field), _default(field), reader, str(field.description))
        for reader, settings in _READERS
        for name, field in _own_fields(settings)
    ]
    return table(("variable", "default", "read by", "meaning"), rows)


def by_reader() -> str:
    """Return a heading and a table for each reader, with the type and the range of each value."""
    return "\n".join(
        f"## Read by {reader}\n\n{_typed_table(settings)}" for reader, settings in _READERS
    )


def _typed_table(settings: type[BaseSettings]) -> str:
    schemas = settings.model_json_schema(by_alias=False)["properties"]
    rows = [
        (_variable(name, field), _type(schemas[name]), _default(field), str(field.description))
        for name, field in _own_fields(settings)
    ]
    return table(("variable", "type", "default", "meaning"), rows)


def _own_fields(settings: type[BaseSettings]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the fields that are not in the table of a base class."""
    bases = [base for _, base in _READERS if issubclass(settings, base) and base is not settings]
    inherited = {name for base in bases for name in base.model_fields}
    return ((n, field) for n, field in settings.model_fields.items() if n not in inherited)


def _variable(name: str, field: FieldInfo) -> str:
    return code(str(field.validation_alias or name).upper())


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "none"
    if default == "":
        return "empty"
    return code(str(default).lower() if isinstance(default, bool) else default)


def _type(schema: Mapping[str, Any]) -> str:
    """Return a JSON schema in words, such as "integer, 1 to 60"."""
    if "anyOf" in schema:  # a type or null: null is the default, and is not a value to write
        (schema,) = (choice for choice in schema["anyOf"] if choice["type"] != "null")
    if "enum" in schema:
        return " or ".join(code(value) for value in schema["enum"])
    if schema["type"] == "array":
        return f"JSON list of {schema['items']['type']}s"
    kind: str = _FORMATS.get(schema.get("format", ""), schema["type"])
    return f"{kind}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is not None and schema["type"] == "integer":
        low = above + 1
    if low is not None:
        return f", {low} to {high}" if high is not None else f", at least {low}"
    return f", above {above:g}" if above is not None else ""
