"""`/docs`: the OpenAPI documents of both services on one page, which works without a network."""

import json
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

_CODE: Final = "ProblemCode"
_ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}


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
    """Routes of `/`, `/docs` and the three OpenAPI documents."""
    router = APIRouter(include_in_schema=False)
    documents = {
        "/openapi.json": lambda: merge_openapi("Duet", auth.openapi(), content.openapi()),
        "/openapi/auth.json": auth.openapi,
        "/openapi/content.json": content.openapi,
    }

    @router.get("/")
    async def index() -> RedirectResponse:
        return RedirectResponse("/docs")

    @router.get("/docs")
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Duet",
            swagger_js_url="/docs/swagger-ui-bundle.js",
            swagger_css_url="/docs/swagger-ui.css",
            swagger_favicon_url="/docs/favicon-32x32.png",
            swagger_ui_parameters={"persistAuthorization": True, "filter": True},
        )

    @router.get("/docs/{asset}")
    async def serve_asset(asset: str) -> Response:
        if asset not in _ASSETS:
            return Response(status_code=404)
        content = files("fastapi_swagger").joinpath("resources", asset).read_bytes()
        headers = {"Cache-Control": "public, max-age=86400"}
        return Response(content, media_type=_ASSETS[asset], headers=headers)

    for path in documents:

        @router.get(path)
        async def serve_document(request: Request) -> Response:
            document = documents[request.url.path]()
            return Response(json.dumps(document), media_type="application/json")

    return router
