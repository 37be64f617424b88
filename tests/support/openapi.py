"""Both services' apps and OpenAPI documents, without a database: nothing is opened."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI

from duet_auth.main import create_app as create_auth
from duet_content.main import create_app as create_content
from tests.support.running_duet import auth_settings, content_settings

_NOWHERE: Final = "postgresql://nobody@127.0.0.1:1/nothing"
_METHODS: Final = ("get", "put", "post", "patch", "delete")

APPS: Final[dict[str, FastAPI]] = {
    "auth": create_auth(auth_settings(_NOWHERE)),
    "content": create_content(content_settings(_NOWHERE, "http://127.0.0.1:1")),
}
DOCUMENTS: Final[dict[str, dict[str, Any]]] = {name: app.openapi() for name, app in APPS.items()}


@dataclass(frozen=True, slots=True)
class Operation:
    service: str
    method: str
    path: str
    definition: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.service}: {self.method} {self.path}"

    def json_properties(self) -> dict[str, dict[str, Any]]:
        """The properties of the JSON body, by name; empty if the operation takes none."""
        content = self.definition.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return {}
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = DOCUMENTS[self.service]["components"]["schemas"][name]
        properties: dict[str, dict[str, Any]] = schema["properties"]
        return properties


def documented_codes(response: dict[str, Any]) -> list[str]:
    """Return the problem codes that a response of an operation documents."""
    return re.findall("`([a-z_]+)`: ", response["description"])


def _operations() -> Iterator[Operation]:
    for service, document in DOCUMENTS.items():
        for path, item in document["paths"].items():
            for method in _METHODS:
                if method in item:
                    yield Operation(service, method, path, item[method])


OPERATIONS: Final = sorted(_operations(), key=str)
