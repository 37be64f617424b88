"""Probes, requested directly as the kubelet does: only readiness checks the database."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from duet_auth.main import create_app
from tests.support.running_duet import Duet, auth_settings
from tests.support.temporary_databases import migrated_databases, open_database, temporary_database


async def get(app: FastAPI, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        return await client.get(path)


@pytest.fixture
async def auth_without_database(postgres_url: str) -> AsyncIterator[FastAPI]:
    """An auth service that runs while its database does not exist."""
    async with temporary_database(postgres_url) as url:
        app = create_app(auth_settings(url))
    async with app.router.lifespan_context(app):
        yield app


async def test_a_running_service_is_ready(duet: Duet) -> None:
    auth, content = await get(duet.auth, "/readyz"), await get(duet.content, "/readyz")

    assert auth.status_code == content.status_code == 200
    checks = {"database": True, "schema": True}
    assert auth.json() == {"status": "ok", "checks": {**checks, "signing_key": True}}
    assert content.json() == {"status": "ok", "checks": {**checks, "verification_key": True}}


async def test_a_running_service_is_alive(duet: Duet) -> None:
    for app in (duet.auth, duet.content):
        response = await get(app, "/livez")
        assert response.status_code == 200
        assert response.json() == {"status": "ok"}


async def test_a_service_without_its_database_is_not_ready(auth_without_database: FastAPI) -> None:
    response = await get(auth_without_database, "/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "checks": {"database": False, "schema": False, "signing_key": False},
    }


async def test_a_service_without_its_database_is_alive(auth_without_database: FastAPI) -> None:
    assert (await get(auth_without_database, "/livez")).status_code == 200


async def test_a_service_without_its_schema_is_not_ready(postgres_url: str) -> None:
    async with temporary_database(postgres_url) as url:
        app = create_app(auth_settings(url))
        async with app.router.lifespan_context(app):
            response = await get(app, "/readyz")

    assert response.status_code == 503
    assert response.json()["checks"] == {"database": True, "schema": False, "signing_key": False}


async def test_a_service_with_a_newer_schema_is_ready(postgres_url: str) -> None:
    async with migrated_databases(postgres_url) as urls:
        async with open_database(urls.auth) as database, database.transaction() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = 'auth_9999'"))
        app = create_app(auth_settings(urls.auth))
        async with app.router.lifespan_context(app):
            assert (await get(app, "/readyz")).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_probes_and_metrics_are_not_routed(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_are_not_in_the_openapi_document(client: httpx.AsyncClient, path: str) -> None:
    assert path not in (await client.get("/openapi.json")).json()["paths"]


async def test_probes_are_exempt_from_rate_limits(duet: Duet) -> None:
    limited = auth_settings(duet.urls.auth, rate_limit_enabled=True, rate_limit_address=1)
    app = create_app(limited)
    async with app.router.lifespan_context(app):
        statuses = [(await get(app, path)).status_code for path in ("/livez", "/readyz") * 3]

    assert statuses == [200] * 6
