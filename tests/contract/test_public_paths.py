"""Every operation is served, and routed alike by the standalone server and by the charts.

These tests need no helm; tests/chart/test_routes.py checks what the charts render.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import pytest
from fastapi.routing import APIRoute

import duet_auth
import duet_content
from tests.support.openapi import DOCUMENTS, OPERATIONS, Operation
from tests.support.public_paths import (
    CHART_FILES,
    CHART_PATHS,
    STANDALONE_FILE,
    STANDALONE_PATHS,
    is_routed,
)

PACKAGES = {"auth": duet_auth, "content": duet_content}
ENDPOINTS = [
    (service, f"{package.__name__}.{folder.name}.endpoints")
    for service, package in PACKAGES.items()
    for folder in iter_modules(package.__path__)
    if folder.ispkg and find_spec(f"{package.__name__}.{folder.name}.endpoints")
]
BOTH = pytest.mark.parametrize("service", PACKAGES)
EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.mark.parametrize(("service", "module"), ENDPOINTS)
def test_the_router_of_every_domain_is_served(service: str, module: str) -> None:
    routes = [r for r in import_module(module).router.routes if isinstance(r, APIRoute)]

    paths = {route.path for route in routes if route.include_in_schema}

    assert paths <= DOCUMENTS[service]["paths"].keys(), (
        f"the app does not serve {module}.router: "
        f"add it to `routers` in services/{service}/src/duet_{service}/main.py"
    )


@EVERY_OPERATION
def test_the_standalone_server_routes_every_operation(operation: Operation) -> None:
    assert is_routed(operation.path, STANDALONE_PATHS[operation.service]), (
        f"the standalone server does not route {operation.path}: "
        f"add its prefix to {operation.service.upper()}_PATHS in {STANDALONE_FILE}"
    )


@EVERY_OPERATION
def test_the_charts_route_every_operation(operation: Operation) -> None:
    assert is_routed(operation.path, CHART_PATHS[operation.service]), (
        f"the Ingress and the HTTPRoute do not route {operation.path}: "
        f"add its prefix to {CHART_FILES[operation.service]}"
    )


@BOTH
def test_the_standalone_server_and_the_charts_route_the_same_paths(service: str) -> None:
    differing = set(STANDALONE_PATHS[service]) ^ set(CHART_PATHS[service])

    assert not differing, (
        f"{service.upper()}_PATHS in {STANDALONE_FILE} and the list in {CHART_FILES[service]} "
        f"must be the same; only one of them has {sorted(differing)}"
    )


@BOTH
@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics", "/internal/events"])
def test_probes_metrics_and_internal_paths_are_not_routed(service: str, path: str) -> None:
    assert not is_routed(path, STANDALONE_PATHS[service])
    assert not is_routed(path, CHART_PATHS[service])
