"""The OpenAPI document: errors as shared responses, the enum of codes, and operation ids.

Client generators determine its form: each response refers to the plain `Problem` (a schema per
status makes openapi-python-client drop the error), and the enum of codes is complete (a code that
is missing from it makes a generated client raise).
"""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from duet_common.errors import (
    DatabaseUnavailable,
    DuetError,
    FieldErrorCode,
    InternalError,
    MalformedBody,
    PayloadTooLarge,
    RateLimited,
    UnsupportedMediaType,
    ValidationFailed,
)
from duet_common.web.principal import OPTIONAL_SCHEME, SCHEME
from duet_common.web.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]
Responses = dict[int | str, Json]
"""FastAPI's `responses`: what an operation responds with, by status."""

EVERYWHERE: Final[tuple[type[DuetError], ...]] = (
    ValidationFailed,
    RateLimited,
    InternalError,
    DatabaseUnavailable,
)
"""Errors that every operation can respond with."""
WITH_A_BODY: Final[tuple[type[DuetError], ...]] = (
    MalformedBody,
    PayloadTooLarge,
    UnsupportedMediaType,
)
"""Errors that every operation with a request body can respond with."""

_OMITTED: Final = ("default", "readOnly", "writeOnly")
"""Generated clients send a default, so that a PATCH of one field would overwrite the others. And
hey-api splits each schema that has a property with one of the others into two."""

_SCHEMAS: Final = "#/components/schemas/"
_RESPONSES: Final = "#/components/responses/"
_HEADERS: Final[dict[int, Json]] = {
    401: {"WWW-Authenticate": ("the challenge (RFC 6750, section 3)", "string")},
    412: {"ETag": ("the entity tag of the current version", "string")},
    429: {"Retry-After": ("seconds to wait", "integer")},
    503: {"Retry-After": ("seconds to wait", "integer")},
}
_LOCATION: Final[Json] = {
    "Location": {
        "description": "the path of the new resource",
        "required": True,
        "schema": {"type": "string"},
    }
}


def operation_id(route: APIRoute) -> str:
    """Return the name of a route's function in camelCase, such as `listPosts`."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


def problems(*errors: type[DuetError]) -> Responses:
    """Return FastAPI's `responses` for the errors of one operation: one entry per status.

    Usage: `@router.post(..., responses=problems(EmailTaken, InvalidToken))`. The errors of
    `EVERYWHERE` and `WITH_A_BODY` are added by `install_openapi`.
    """
    responses: Responses = {}
    for error in sorted(errors, key=lambda error: error.status):
        _document(responses, error.status, error)
    return responses


def install_openapi(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Make `app.openapi` return the completed document of the routers' operations."""

    def openapi() -> Json:  # FastAPI's own signature
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
                servers=app.servers,
                license_info=app.license_info,
            )
            _complete(document, _codes(routers))
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _complete_operation(operation: Json) -> None:
    responses = operation["responses"]
    if "content" in responses.get("422", {}):
        del responses["422"]  # FastAPI's own form of a validation error
    for error in (*EVERYWHERE, *(WITH_A_BODY if "requestBody" in operation else ())):
        _document(responses, str(error.status), error)
    if "201" in responses:
        responses["201"].setdefault("headers", {}).update(_LOCATION)
    operation["responses"] = dict(sorted(responses.items()))
    if operation.get("security") == [{OPTIONAL_SCHEME: []}]:
        operation["security"] = [{}, {SCHEME: []}]


def _complete(document: Json, codes: Sequence[str]) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            _complete_operation(operation)
    components = document["components"]
    components.get("securitySchemes", {}).pop(OPTIONAL_SCHEME, None)
    schemas = components.setdefault("schemas", {})
    _, definitions = models_json_schema(
        [(Problem, "serialization")], ref_template=_SCHEMAS + "{model}"
    )
    schemas.update(definitions["$defs"])
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for schema in schemas.values():
        for property_ in schema.get("properties", {}).values():
            for keyword in _OMITTED:
                property_.pop(keyword, None)
    schemas["Problem"]["properties"]["code"] = {"$ref": _SCHEMAS + "ProblemCode"}
    schemas["ProblemCode"] = {
        "type": "string",
        "enum": list(codes),
        "description": "What went wrong. A code is stable; later versions may add codes.",
    }
    components["responses"] = _shared_responses()


def _document(responses: Responses, status: int | str, error: type[DuetError]) -> None:
    """Add an error to the description of its status, and refer to the shared response."""
    described = f"`{error.code}`: {error.title}"
    response = responses.setdefault(status, {"$ref": _RESPONSES + _family(error).__name__})
    known = response.get("description")
    response["description"] = described if known is None else f"{known}<br>{described}"


def _family(error: type[DuetError]) -> type[DuetError]:
    """Return the ancestor of an error directly below `DuetError`: one per status."""
    return next(kind for kind in error.__mro__ if kind.__base__ is DuetError)


def _shared_responses() -> Json:
    """Return one response per status, with the codes of the common library as examples."""
    responses: Json = {}
    for error in DuetError.kinds():
        if error.__module__ != DuetError.__module__:
            continue
        family = _family(error)
        response = responses.setdefault(family.__name__, _response(family))
        response["content"][MEDIA_TYPE]["examples"][error.code] = {"value": _example(error)}
    return responses


def _response(family: type[DuetError]) -> Json:
    response: Json = {
        "description": family.title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}, "examples": {}}},
    }
    if family.status in _HEADERS:
        response["headers"] = {
            name: {"description": description, "schema": {"type": kind}}
            for name, (description, kind) in _HEADERS[family.status].items()
        }
    return response


def _example(error: type[DuetError]) -> Json:
    example: Json = {
        "type": f"urn:duet:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.title,
        "instance": "urn:duet:request:0198c0de-0000-7000-8000-000000000000",
        "code": error.code,
    }
    if error is ValidationFailed:
        example["errors"] = [
            {
                "in": "body",
                "field": "/password",
                "code": FieldErrorCode.TOO_SHORT,
                "detail": "must have at least 8 characters",
                "params": {"min": 8},
            }
        ]
    return example


def _codes(routers: Sequence[APIRouter]) -> list[str]:
    """Return every code of the common library and of the packages that define the routers."""
    packages = {"duet_common"} | {
        route.endpoint.__module__.partition(".")[0]
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
    }
    return sorted(
        {
            error.code
            for error in DuetError.kinds()
            if error.__module__.partition(".")[0] in packages
        }
    )
