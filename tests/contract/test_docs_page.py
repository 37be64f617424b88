"""`/docs` works without internet access, because all its assets come from the same origin."""

import gzip
import re
from typing import Any

import httpx
import pytest

from tests.support.problems import assert_problem

ASSETS = {
    "/docs/swagger-ui-bundle.js": "text/javascript",
    "/docs/swagger-ui.css": "text/css",
    "/docs/favicon-32x32.png": "image/png",
    "/docs/start.js": "text/javascript",
}


async def test_the_root_redirects_to_the_docs(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert (response.status_code, response.headers["location"]) == (307, "/docs")


async def test_the_docs_page_names_no_other_host(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert re.findall(r"https?://|[\"'(]//", page.text) == []


async def test_the_docs_page_loads_only_local_assets(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    loaded = set(re.findall(r'(?:src|href)="([^"]+)"', page.text))
    assert loaded == ASSETS.keys()
    start = await client.get("/docs/start.js")
    assert re.findall(r'url: "([^"]+)"', start.text) == ["/openapi.json"]


async def test_the_docs_page_runs_only_scripts_of_its_own_origin(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    policy = page.headers["content-security-policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "script-src" not in page.headers["content-security-policy"]
    assert re.findall(r"<script(?! src=)", page.text) == []


async def test_the_docs_page_does_not_store_passwords(client: httpx.AsyncClient) -> None:
    """Swagger UI stores nothing by itself unless `persistAuthorization` is set."""
    start = (await client.get("/docs/start.js")).text
    assert "persistAuthorization:" not in start
    assert re.findall(r"localStorage\.\w+\(.*\)", start) == [
        'localStorage.removeItem("authorized")'
    ]


@pytest.mark.parametrize("asset", ASSETS)
async def test_an_asset_is_served(client: httpx.AsyncClient, asset: str) -> None:
    response = await client.get(asset)
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == ASSETS[asset]
    assert len(response.content) > 300


async def test_an_unknown_asset_is_not_found(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/docs/docs.html"), 404, "not_found")


COMPRESSED = [
    *("/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"),
    *("/openapi.json", "/openapi/auth.json", "/openapi/content.json"),
]


@pytest.mark.parametrize("path", COMPRESSED)
async def test_a_large_file_is_compressed_once(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    plain = await client.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    monkeypatch.setattr(gzip, "compress", pytest.fail)

    gzipped = await client.get(path, headers={"Accept-Encoding": "gzip"})

    assert gzipped.headers.get_list("content-encoding") == ["gzip"]
    assert gzipped.num_bytes_downloaded < plain.num_bytes_downloaded / 3
    assert gzipped.content == plain.content
    for response in (plain, gzipped):
        assert response.headers.get_list("vary") == ["Accept-Encoding"]


async def test_the_style_sheet_loads_nothing_from_other_hosts(client: httpx.AsyncClient) -> None:
    css = (await client.get("/docs/swagger-ui.css")).text
    assert [url for url in re.findall(r"url\(([^)]{0,40})", css) if "data:" not in url] == []


async def test_the_openapi_document_combines_those_of_both_services(
    client: httpx.AsyncClient,
) -> None:
    merged, auth, content = [
        (await client.get(path)).json()
        for path in ("/openapi.json", "/openapi/auth.json", "/openapi/content.json")
    ]
    assert auth["paths"].keys().isdisjoint(content["paths"])
    assert merged["paths"] == {**auth["paths"], **content["paths"]}
    for service in (auth, content):
        for kind, members in service["components"].items():
            for name, member in members.items():
                if name != "ProblemCode":
                    assert merged["components"][kind][name] == member


async def test_the_openapi_document_has_the_codes_and_tags_of_both_services(
    client: httpx.AsyncClient,
) -> None:
    merged, auth, content = [
        (await client.get(path)).json()
        for path in ("/openapi.json", "/openapi/auth.json", "/openapi/content.json")
    ]

    def codes_of(document: dict[str, Any]) -> set[str]:
        return set(document["components"]["schemas"]["ProblemCode"]["enum"])

    assert codes_of(merged) == codes_of(auth) | codes_of(content)
    assert codes_of(auth) != codes_of(content)
    assert merged["tags"] == auth["tags"] + content["tags"]
    assert merged["servers"] == [{"url": "/"}]
    ids = [o["operationId"] for item in merged["paths"].values() for o in item.values()]
    assert len(ids) == len(set(ids)) > 20


async def test_every_reference_of_the_openapi_document_resolves(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/openapi.json")
    components = response.json()["components"]
    defined = {f"{kind}/{name}" for kind in components for name in components[kind]}
    referred = set(re.findall(r"#/components/((?:schemas|responses)/[\w.-]+)", response.text))
    assert referred
    assert referred <= defined
