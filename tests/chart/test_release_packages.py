"""The charts that a release publishes."""

import json
from pathlib import Path

import pytest
import yaml

from scripts.package_charts import package
from scripts.version import current
from tests.chart.rendering import ALONE, Manifests, helm
from tests.support.required_programs import require_program


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archives of the charts."""
    require_program("helm")
    folder = tmp_path_factory.mktemp("packages")
    package("ghcr.io/acme", folder)
    return folder


def test_the_charts_that_can_be_installed_are_published(packages: Path) -> None:
    names = {path.name for path in packages.iterdir()}
    assert names == {f"{chart}-{current()}.tgz" for chart in ALONE}


@pytest.mark.parametrize("chart", ALONE)
def test_a_published_chart_uses_the_published_images(chart: str, packages: Path) -> None:
    archive = packages / f"{chart}-{current()}.tgz"
    done = helm("template", "duet", str(archive), "-f", "-", stdin=json.dumps(ALONE[chart]))
    manifests = Manifests(done.stdout, tuple(filter(None, yaml.safe_load_all(done.stdout))))
    images = {pod.container["image"] for pod in manifests.pods()}
    services = ["auth", "content"] if chart == "duet" else [chart.removeprefix("duet-")]
    assert images - {"postgres:18"} == {
        f"ghcr.io/acme/duet-{service}:{current()}" for service in services
    }
