"""Render the charts with `helm template`, which needs neither a cluster nor a network."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.required_programs import require_program

CHARTS: Final = Path(__file__).parents[2] / "deploy/helm"
Object = dict[str, Any]
Values = Mapping[str, Any]

ALONE: Final[dict[str, Values]] = {
    "duet": {},
    "duet-auth": {
        "database": {"existingSecret": "auth-database"},
        "keyEncryption": {"existingSecret": "auth-keys"},
    },
    "duet-content": {"database": {"existingSecret": "content-database"}},
}
"""The values that each chart requires when it is installed alone."""

EXTERNAL: Final[Values] = {
    "global": {"duet": {"postgres": {"enabled": False}}},
    "auth": {"database": {"existingSecret": "auth-pg-app", "urlKey": "uri"}},
    "content": {"database": {"existingSecret": "content-pg-app", "urlKey": "uri"}},
}
"""Values of the chart `duet` for databases that CloudNativePG manages."""

EVERYTHING: Final[Values] = {
    "global": {
        "duet": {
            "metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
            "tracing": {"endpoint": "http://collector.tracing:4318"},
            "trustedProxies": ["10.244.0.0/16", "fd00::/8"],
            "allowedOrigins": ["https://app.example.com", "http://localhost:5173"],
            "imagePullSecrets": ["registry"],
        }
    },
    "auth": {
        "autoscaling": {"enabled": True},
        "database": {"tls": {"mode": "verify-full", "caSecret": "postgres-ca"}},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "podAnnotations": {"example.com/a": "b"},
        "podLabels": {"team": "identity"},
        "extraEnv": [{"name": "HASH_THREADS", "value": "4"}],
        "serviceAccount": {"annotations": {"example.com/role": "auth"}},
        "networkPolicy": {
            "clients": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
            "egress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}],
        },
    },
    "content": {"replicas": 2},
    "ingress": {
        "host": "duet.example.com",
        "className": "traefik",
        "annotations": {"example.com/timeout": "3600"},
        "tls": [{"hosts": ["duet.example.com"], "secretName": "duet-tls"}],
    },
    "httpRoute": {
        "enabled": True,
        "parentRefs": [{"name": "gateway", "namespace": "traefik"}],
        "hostnames": ["duet.example.com"],
        "webSocketTimeouts": {"request": "0s"},
    },
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "postgres": {
        "settings": {"shared_buffers": "256MB"},
        "storage": {"className": "fast"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "priorityClassName": "high",
    },
}
"""Values of the chart `duet` that enable every optional part."""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, or the pod template of an object. `owner` is `<kind>/<name>` of that object."""

    owner: str
    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Object

    @property
    def container(self) -> Object:
        (container,) = self.spec["containers"]
        assert isinstance(container, dict)
        return container

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables. A reference to a Secret has the form `secret:<name>/<key>`."""
        return {item["name"]: _value_of(item) for item in self.container.get("env", [])}


def _value_of(item: Object) -> str:
    source = item.get("valueFrom", {})
    if "secretKeyRef" in source:
        return f"secret:{source['secretKeyRef']['name']}/{source['secretKeyRef']['key']}"
    return str(item.get("value", source))


@dataclass(frozen=True, slots=True)
class Manifests:
    """The rendered manifests, as text and as parsed objects."""

    text: str
    objects: tuple[Object, ...]

    def all(self, kind: str) -> list[Object]:
        return [item for item in self.objects if item["kind"] == kind]

    def names(self, kind: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.all(kind)}

    def one(self, kind: str, name: str) -> Object:
        """Return the only object of a kind with a name. Raises ValueError if there is none."""
        (found,) = (item for item in self.all(kind) if item["metadata"]["name"] == name)
        return found

    def job(self, name: str) -> Object:
        """Return the only Job whose name starts with `name`, which needs no hash."""
        (found,) = (item for item in self.all("Job") if item["metadata"]["name"].startswith(name))
        return found

    def pods(self) -> Iterator[Pod]:
        """Yield every pod and every pod template."""
        for item in self.objects:
            name = f"{item['kind']}/{item['metadata']['name']}"
            if item["kind"] == "Pod":
                yield _pod(name, item)
            elif "template" in item.get("spec", {}):
                yield _pod(name, item["spec"]["template"])

    def pod(self, owner: str) -> Pod:
        """Return the only pod whose owner starts with `owner`."""
        (found,) = (pod for pod in self.pods() if pod.owner.startswith(owner))
        return found


def _pod(owner: str, template: Object) -> Pod:
    metadata = template["metadata"]
    return Pod(owner, metadata["labels"], metadata.get("annotations", {}), template["spec"])


def render(
    values: Values | None = None,
    chart: str = "duet",
    *,
    upgrade: bool = False,
    release: str = "duet",
) -> Manifests:
    """Render a chart with `values`, which override its defaults."""
    result = _template(json.dumps(values or {}), chart, upgrade, release)
    assert result.returncode == 0, result.stderr
    return Manifests(result.stdout, tuple(filter(None, yaml.safe_load_all(result.stdout))))


def refusal(values: Values, chart: str = "duet", *, release: str = "duet") -> str:
    """Return Helm's error message for values that the chart must refuse."""
    result = _template(json.dumps(values), chart, False, release)
    assert result.returncode != 0, "the chart accepted the values"
    return result.stderr


@lru_cache(maxsize=256)
def _template(
    values: str, chart: str, upgrade: bool, release: str
) -> subprocess.CompletedProcess[str]:
    mode = ["--is-upgrade"] if upgrade else []
    return helm(
        "template", release, str(CHARTS / chart), "-n", "prod", "-f", "-", *mode, stdin=values
    )


def helm(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run helm. If it is not installed, the test is skipped, or fails in CI."""
    return subprocess.run(
        [require_program("helm"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def merged(*layers: Values) -> dict[str, Any]:
    """Merge values in the same way as Helm. Later layers override earlier ones."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            result[key] = merged(old, value) if both else value  # type: ignore[arg-type]  # `both`
    return result
