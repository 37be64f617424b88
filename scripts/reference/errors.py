"""The errors that clients see, from the error tree and the OpenAPI documents."""

import re
from collections.abc import Mapping
from typing import Any, Final

from duet_common.errors import DuetError
from duet_common.web.openapi import EVERYWHERE, WITH_A_BODY
from duet_content.realtime import errors as websocket_errors
from scripts.reference.apps import apps
from scripts.reference.markdown import code, table

_DESCRIBED_CODE: Final = re.compile("`([a-z_]+)`: ")
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def error_table() -> str:
    """Return a table of every error class, by status and code."""
    rows = [
        (str(error.status), code(error.code), error.title, code(error.__module__))
        for error in _errors()
    ]
    return table(("status", "code", "title", "defined in"), rows)


def common_codes() -> str:
    """Return the codes that every operation can respond with, as a list."""
    return "".join(f"- {code(error.code)} ({error.status})\n" for error in EVERYWHERE)


def codes_by_operation() -> str:
    """Return a table of the operations, with the codes that only some operations have."""
    common = {error.code for error in (*EVERYWHERE, *WITH_A_BODY)}
    rows = []
    for app in apps().values():
        for path, operations in app.openapi()["paths"].items():
            for method in _METHODS:
                if method in operations:
                    codes = [c for c in _codes(operations[method]) if c not in common]
                    rows.append((code(f"{method.upper()} {path}"), ", ".join(map(code, codes))))
    return table(("operation", "codes"), rows)


def websocket_error_table() -> str:
    """Return a table of the errors that the WebSocket's domain defines."""
    own = [error for error in _errors() if error.__module__ == websocket_errors.__name__]
    return table(("code", "title"), [(code(error.code), error.title) for error in own])


def _errors() -> list[type[DuetError]]:
    apps()  # imports every module that defines an error of a service
    errors = [error for error in DuetError.kinds() if error.__module__.startswith("duet_")]
    return sorted(errors, key=lambda error: (error.status, error.code, error.title))


def _codes(operation: Mapping[str, Any]) -> list[str]:
    return [
        found
        for _, response in sorted(operation["responses"].items())
        if "$ref" in response
        for found in _DESCRIBED_CODE.findall(response["description"])
    ]
