"""Tests of the images that `docker build` creates from the Dockerfiles."""

import json
from typing import Any, Final

import pytest
import yaml

from tests.cluster.cluster import BASE_IMAGE, CHART, SERVICES, VERSION, Cluster, run
from tests.cluster.conftest import RecordFigure
from tests.support.running_duet import KEY_ENCRYPTION_KEY

_MAX_MIB: Final = 200
_LOCKED_DOWN: Final = (
    "docker", "run", "--rm", "--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)  # fmt: skip
_LIST_UNCOMPILED: Final = """
import importlib.util, pathlib, sys
import duet_{service}.cli
files = [m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
own = [f for f in files if f.startswith("/app/") and f.endswith(".py")]
assert len(own) > 500, own
print([f for f in own if not pathlib.Path(importlib.util.cache_from_source(f)).exists()])
"""


def _inspect(image: str) -> Any:
    return json.loads(run("docker", "image", "inspect", image))[0]


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, cluster: Cluster) -> str:
    """The name of a service whose image is built."""
    name: str = request.param
    return name


def test_the_image_is_small_and_runs_as_an_unprivileged_user(
    service: str, record_figure: RecordFigure
) -> None:
    image = _inspect(f"duet-{service}:{VERSION}")
    mib = (image["Size"] - _inspect(BASE_IMAGE)["Size"]) / 2**20
    assert mib < _MAX_MIB
    assert image["Config"]["User"] == "10001:10001", (
        "must be numeric: runAsNonRoot cannot verify a name"
    )
    labels = image["Config"]["Labels"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert labels["org.opencontainers.image.title"] == f"duet-{service}"
    assert labels["org.opencontainers.image.version"] == chart["appVersion"]
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    record_figure(f"{mib:.0f} MiB more than {BASE_IMAGE}")


def test_the_program_starts_on_a_read_only_root_filesystem_with_compiled_bytecode(
    service: str,
) -> None:
    image = f"duet-{service}:{VERSION}"
    assert "Serve the API" in run(*_LOCKED_DOWN, image, "--help")
    program = _LIST_UNCOMPILED.format(service=service)
    assert run(*_LOCKED_DOWN, "--entrypoint=python", image, "-c", program).strip() == "[]"


def test_the_image_contains_gunicorn_and_its_configuration(service: str) -> None:
    """gunicorn also creates the app, which makes no connections before it starts."""
    variables = {
        f"{service.upper()}_DATABASE_URL": "postgresql://nobody@nowhere/none",
        "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY,
    }
    run(
        *_LOCKED_DOWN, *(f"--env={name}={value}" for name, value in variables.items()),
        "--entrypoint=gunicorn", f"duet-{service}:{VERSION}", "--check-config",
        "--config=python:duet_common.web.gunicorn", f"duet_{service}.main:create_app()",
    )  # fmt: skip
