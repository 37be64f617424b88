"""The path prefixes that the standalone server and the charts route, by service."""

from pathlib import Path
from typing import Final

import yaml

from duet_standalone.main import AUTH_PATHS, CONTENT_PATHS

_ROOT: Final = Path(__file__).parents[2]

STANDALONE_FILE: Final = "services/standalone/src/duet_standalone/main.py"
STANDALONE_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "auth": AUTH_PATHS,
    "content": CONTENT_PATHS,
}

CHART_FILES: Final = {
    service: f"deploy/helm/duet-{service}/files/public-paths.yaml" for service in STANDALONE_PATHS
}
CHART_PATHS: Final[dict[str, tuple[str, ...]]] = {
    service: tuple(yaml.safe_load((_ROOT / file).read_text(encoding="utf-8")))
    for service, file in CHART_FILES.items()
}


def is_routed(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a path equals a prefix or is below it, as an Ingress of type `Prefix` matches."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)
