"""Write the JSON schemas with which `kubeconform` validates the charts without a network.

    kubectl get --raw /openapi/v2 | python -m tests.chart.kubernetes_schemas

This command writes `schemas/` from the OpenAPI document of a cluster. The cluster must have the
CRDs of the Gateway API and of the Prometheus Operator. The schemas refuse unknown fields, as
`kubeconform -strict` expects.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

SCHEMAS: Final = Path(__file__).parent / "schemas"
# The value of kubeconform's -schema-location.
LOCATION: Final = f"{SCHEMAS}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
_PREFIX: Final = "#/definitions/"
_KINDS: Final = {
    ("", "v1"): ["ConfigMap", "Pod", "Service", "ServiceAccount"],
    ("apps", "v1"): ["Deployment", "StatefulSet"],
    ("autoscaling", "v2"): ["HorizontalPodAutoscaler"],
    ("batch", "v1"): ["Job"],
    ("gateway.networking.k8s.io", "v1"): ["HTTPRoute"],
    ("monitoring.coreos.com", "v1"): ["PrometheusRule", "ServiceMonitor"],
    ("networking.k8s.io", "v1"): ["Ingress", "NetworkPolicy"],
    ("policy", "v1"): ["PodDisruptionBudget"],
    ("rbac.authorization.k8s.io", "v1"): ["Role", "RoleBinding"],
}
Schema = dict[str, Any]


def write_schemas(openapi: Schema) -> None:
    """Write one small file per kind, and the definitions that they share to `definitions.json`."""
    definitions: Schema = openapi["definitions"]
    roots = {
        (group, version, kind): name
        for name, definition in definitions.items()
        for group, version, kind in _served(definition)
        if kind in _KINDS.get((group, version), [])
    }
    missing = [
        kind for (g, v), kinds in _KINDS.items() for kind in kinds if (g, v, kind) not in roots
    ]
    if missing:
        raise SystemExit(
            f"The API server does not serve {', '.join(missing)}. Install the missing CRDs."
        )
    used: Schema = {}
    for name in roots.values():
        _collect(name, definitions, used)
    SCHEMAS.mkdir(exist_ok=True)
    for (group, version, kind), name in roots.items():
        suffix = "-".join(filter(None, [group.partition(".")[0], version]))
        _write(f"{kind.lower()}-{suffix}", {"$ref": f"definitions.json{_PREFIX}{name}"})
    _write("definitions", {"definitions": dict(sorted(used.items()))})


def _served(definition: Schema) -> Iterator[tuple[str, str, str]]:
    """Yield the group, version and kind of a definition that belongs to exactly one kind."""
    served = definition.get("x-kubernetes-group-version-kind", [])
    if len(served) == 1:  # DeleteOptions, for example, belongs to every group
        yield served[0]["group"], served[0]["version"], served[0]["kind"]


def _collect(name: str, definitions: Schema, used: Schema) -> None:
    """Add a definition, and all definitions that it refers to, to `used`."""
    if name in used:
        return
    used[name] = strict = _strict(definitions[name])
    for reference in _references(strict):
        _collect(reference, definitions, used)


def _strict(schema: Any) -> Any:
    """Return a schema without descriptions and extensions, which refuses unknown properties.

    Properties stay open where the API server keeps unknown fields.
    """
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    kept = {
        key: {name: _strict(item) for name, item in value.items()}
        if key == "properties"
        else _strict(value)
        for key, value in schema.items()
        if key not in {"description", "default", "format"} and not key.startswith("x-")
    }
    is_open = schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in schema and not is_open:
        kept.setdefault("additionalProperties", False)
    return kept


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _references(item)
    elif isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(_PREFIX)
        for value in schema.values():
            yield from _references(value)


def _write(name: str, schema: Schema) -> None:
    (SCHEMAS / f"{name}.json").write_text(json.dumps(schema, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write_schemas(json.load(sys.stdin))
