"""Strict JSON for tokens: an object without duplicate names and without NaN."""

import json
from collections.abc import Mapping
from typing import NoReturn

JsonValue = str | int | float | bool | list["JsonValue"] | dict[str, "JsonValue"] | None
JsonObject = Mapping[str, JsonValue]


def parse_object(data: bytes) -> JsonObject:
    """Parse a JSON object. Raises ValueError for anything else.

    Of two equal names, `json` keeps the last, and another parser may keep the first. A token that
    can be read in two ways is refused (RFC 8725, section 2.4; RFC 7515, section 4).
    """
    try:
        parsed = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate name")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")
