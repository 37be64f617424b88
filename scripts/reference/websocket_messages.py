"""The WebSocket's messages and close codes, from the models and the enumeration."""

import ast
import inspect
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, get_args

from pydantic import BaseModel

from duet_content.realtime.connection import CloseCode
from duet_content.realtime.messages import ClientMessage, ServerMessage
from scripts.reference.markdown import code, table

_FORMATS: Final = {"uuid": "UUID", "date-time": "time"}


class Undocumented(Exception):
    """A message or a close code has no docstring."""


def client_messages() -> str:
    """Return a table of the messages that a client can send."""
    return _message_table(ClientMessage)


def server_messages() -> str:
    """Return a table of the messages that the server sends."""
    return _message_table(ServerMessage)


def close_codes() -> str:
    """Return a table of the codes that Duet closes a connection with."""
    meanings = _member_docstrings(CloseCode)
    rows = [(str(c.value), _text(c.name, meanings.get(c.name))) for c in CloseCode]
    return table(("code", "meaning"), rows)


def _message_table(union: object) -> str:
    """Return a table of the models in `Annotated[A | B, ...]`, in their order."""
    models: tuple[type[BaseModel], ...] = get_args(get_args(union)[0])
    rows = []
    for model in models:
        schema = model.model_json_schema(mode="serialization")
        rows.append((code(_shape(schema, schema)), _text(model.__name__, model.__doc__)))
    return table(("message", "meaning"), rows)


def _shape(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Return a JSON schema in a readable form, such as `{"type": "ping", "id"?: string}`."""
    if "$ref" in schema:
        return _shape(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:  # a type or null, for an optional field
        return _shape(schema["anyOf"][0], root)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(map(json.dumps, schema["enum"]))
    match schema.get("type"):
        case "object":
            return _object_shape(schema, root)
        case "array":
            return f"[{_shape(schema['items'], root)}, …]"
        case None:
            return "any JSON value"
        case kind:
            return str(_FORMATS.get(schema.get("format", ""), kind))


def _object_shape(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Return the fields with the type first and the optional fields last."""
    required = {"type", *schema.get("required", ())}
    names = sorted(schema["properties"], key=lambda name: (name != "type", name not in required))
    fields = [
        f'"{name}"{"" if name in required else "?"}: {_shape(schema["properties"][name], root)}'
        for name in names
    ]
    return f"{{{', '.join(fields)}}}"


def _member_docstrings(enumeration: type) -> dict[str, str]:
    """Return the docstring of each member of an enumeration, read from its source."""
    docstrings = {}
    for definition in ast.parse(inspect.getsource(enumeration)).body:
        for statement, following in pairwise(getattr(definition, "body", [])):
            match statement, following:
                case ast.Assign([ast.Name(name)]), ast.Expr(ast.Constant(str(docstring))):
                    docstrings[name] = docstring
    return docstrings


def _text(name: str, docstring: str | None) -> str:
    """Return a docstring on one line. Raises `Undocumented`."""
    if docstring is None:
        raise Undocumented(f"{name} has no docstring")
    return " ".join(docstring.split())
