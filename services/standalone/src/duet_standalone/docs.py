"""`/docs`: the OpenAPI documents of both services on one page, which works without a network."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from duet_common.errors import NotFound
from duet_standalone.static_file import StaticFile

_CODE: Final = "ProblemCode"
_ASSETS: Final = {
    "swagger-ui-bundle.js": ("fastapi_swagger", "resources", "text/javascript"),
    "swagger-ui.css": ("fastapi_swagger", "resources", "text/css"),
    "favicon-32x32.png": ("fastapi_swagger", "resources", "image/png"),
    "start.js": ("duet_standalone", "pages", "text/javascript"),
}
# Swagger UI sets style attributes, and its icons are `data:` URLs.
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
}
_ASSET_HEADERS: Final = {"Cache-Control": "public, max-age=86400"}


def merge_openapi(title: str, *documents: dict[str, Any]) -> dict[str, Any]:
    """Merge OpenAPI documents. Raises ValueError if two describe the same name differently.

    Only the enum of problem codes may differ: the merged one has the codes of all documents.
    """
    first = documents[0]
    merged: dict[str, Any] = {
        "openapi": first["openapi"],
        "info": {
            **first["info"],
            "title": title,
            "description": " ".join(d["info"]["description"] for d in documents),
        },
        "servers": first["servers"],
        "tags": [tag for d in documents for tag in d["tags"]],
        "paths": {},
        "components": {},
    }
    codes = sorted({code for d in documents for code in _problem_code(d)["enum"]})
    for document in documents:
        _merge(merged["paths"], document["paths"])
        for kind, members in document["components"].items():
            if kind == "schemas":
                members = {**members, _CODE: {**_problem_code(document), "enum": codes}}
            _merge(merged["components"].setdefault(kind, {}), members)
    return merged


def _problem_code(document: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = document["components"]["schemas"][_CODE]
    return schema


def _merge(into: dict[str, Any], members: dict[str, Any]) -> None:
    for name, member in members.items():
        if into.setdefault(name, member) != member:
            raise ValueError(f"The services describe {name!r} differently.")


def docs_router(auth: FastAPI, content: FastAPI) -> APIRouter:
    """Routes of `/`, `/docs` and the three OpenAPI documents.

    FastAPI runs those that are not `async` in a thread, because the first request compresses.
    """
    router = APIRouter(include_in_schema=False)
    documents = {
        "/openapi.json": lambda: merge_openapi("Duet", auth.openapi(), content.openapi()),
        "/openapi/auth.json": auth.openapi,
        "/openapi/content.json": content.openapi,
    }

    @cache
    def document(path: str) -> StaticFile:
        return StaticFile.of(json.dumps(documents[path]()).encode("ascii"), "application/json")

    @router.get("/")
    async def index() -> RedirectResponse:
        return RedirectResponse("/docs")

    @router.get("/docs")
    def page(request: Request) -> Response:
        return _packaged("duet_standalone", "pages", "docs.html", "text/html").response(
            request, _PAGE_HEADERS
        )

    @router.get("/docs/{asset}")
    def serve_asset(request: Request, asset: str) -> Response:
        if asset not in _ASSETS:
            raise NotFound
        package, folder, media_type = _ASSETS[asset]
        return _packaged(package, folder, asset, media_type).response(request, _ASSET_HEADERS)

    for path in documents:

        @router.get(path)
        def serve_document(request: Request) -> Response:
            return document(request.url.path).response(request, {})

    return router


@cache
def _packaged(package: str, folder: str, name: str, media_type: str) -> StaticFile:
    return StaticFile.of(files(package).joinpath(folder, name).read_bytes(), media_type)
