"""Package the charts of a release: `python -m scripts.package_charts ghcr.io/OWNER`.

The argument is the registry, with the path, that the release's images are in. The archives are
written to dist/charts. Only the standard library and helm are needed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from scripts.version import ROOT

CHARTS: Final = ROOT / "deploy/helm"
_SERVICES: Final = ("auth", "content")


def package(registry: str, target: Path) -> None:
    """Write an archive of each installable chart, with default images from the registry.

    In the repository the defaults name no registry, because a development cluster gets the images
    without one. Raises ValueError when a chart's values do not name its image as expected.
    """
    with tempfile.TemporaryDirectory() as folder:
        charts = Path(folder) / "helm"
        shutil.copytree(CHARTS, charts, symlinks=True)  # They link to each other.
        for service in _SERVICES:
            _set_repository(charts / f"duet-{service}/values.yaml", registry, f"duet-{service}")
        for chart in (*(f"duet-{service}" for service in _SERVICES), "duet"):
            command = ["helm", "package", str(charts / chart), "--destination", str(target)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - no shell


def _set_repository(values: Path, registry: str, image: str) -> None:
    before, line, after = values.read_text(encoding="utf-8").partition(f"  repository: {image}\n")
    if not line:
        raise ValueError(f"{values.name} of {image} has no line `repository: {image}`.")
    values.write_text(f"{before}  repository: {registry}/{image}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    package(sys.argv[1], ROOT / "dist/charts")
