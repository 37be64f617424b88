"""Tests of existing Secrets, and of the Job that creates the missing ones."""

import json
from typing import Any

import pytest

from tests.chart.rendering import EXTERNAL, Manifests, Values, merged, render

_ALL_EXISTING: Values = {
    "auth": {
        "database": {"existingSecret": "a"},
        "keyEncryption": {"existingSecret": "k", "key": "kek"},
    },
    "content": {"database": {"existingSecret": "c"}},
    "postgres": {"existingSecret": "p"},
}


def _requested(manifests: Manifests) -> dict[str, Any]:
    spec = json.loads(manifests.pod("Job/duet-secrets-").environment["SECRETS_SPEC"])
    assert spec["labels"]["app.kubernetes.io/instance"] == "duet"
    return {secret["name"]: secret["data"] for secret in spec["secrets"]}


def test_the_chart_renders_no_secret() -> None:
    assert not render().all("Secret")


def test_the_job_creates_every_secret_of_the_release() -> None:
    password = {"generate": "password"}
    url = "postgresql://duet_{0}:{{password}}@duet-postgres:5432/duet_{0}"
    assert _requested(render()) == {
        "duet-auth-database": {"password": password, "url": {"template": url.format("auth")}},
        "duet-content-database": {"password": password, "url": {"template": url.format("content")}},
        "duet-auth-keys": {"keyEncryptionKey": {"generate": "base64-32"}},
        "duet-postgres": {"password": password},
    }


def test_the_url_template_contains_no_reference_that_kubernetes_expands() -> None:
    """Kubernetes expands `$(NAME)` in the value of an environment variable."""
    assert "$(" not in render().pod("Job/duet-secrets-").environment["SECRETS_SPEC"]


@pytest.mark.parametrize("upgrade", [False, True])
def test_the_job_runs_before_everything_else_and_is_deleted_afterwards(upgrade: bool) -> None:
    manifests = render(upgrade=upgrade)
    annotations = manifests.job("duet-secrets-")["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert "hook-succeeded" in annotations["helm.sh/hook-delete-policy"]
    for kind in ("ServiceAccount", "Role", "RoleBinding", "NetworkPolicy"):
        dependency = manifests.one(kind, "duet-secrets")["metadata"]["annotations"]
        assert int(dependency["helm.sh/hook-weight"]) < int(annotations["helm.sh/hook-weight"])
        assert "hook-succeeded" in dependency["helm.sh/hook-delete-policy"]


def test_the_job_can_create_and_read_secrets_but_not_change_them() -> None:
    rules = render().one("Role", "duet-secrets")["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"create", "get"}
    (reads,) = (rule for rule in rules if rule["verbs"] == ["get"])
    assert set(reads["resourceNames"]) == set(_requested(render()))


def test_the_job_does_not_create_an_existing_secret() -> None:
    manifests = render({"auth": {"keyEncryption": {"existingSecret": "k", "key": "kek"}}})
    assert "duet-auth-keys" not in _requested(manifests)
    environment = manifests.pod("Deployment/duet-auth").environment
    assert environment["KEY_ENCRYPTION_KEY"] == "secret:k/kek"


@pytest.mark.parametrize("create", [True, False])
def test_there_is_no_job_if_all_secrets_exist(create: bool) -> None:
    values = merged(_ALL_EXISTING, {"global": {"duet": {"createSecrets": create}}})
    for kind in ("Job", "Role", "RoleBinding", "NetworkPolicy", "ServiceAccount"):
        assert not [n for n in render(values).names(kind) if n.startswith("duet-secrets")]


def test_existing_secrets_are_mounted_in_the_charts_own_postgres() -> None:
    volumes = render(_ALL_EXISTING).pod("StatefulSet/duet-postgres").spec["volumes"]
    (passwords,) = (v["projected"]["sources"] for v in volumes if v["name"] == "passwords")
    assert [(s["secret"]["name"], s["secret"]["items"][0]) for s in passwords] == [
        ("p", {"key": "password", "path": "postgres"}),
        ("a", {"key": "password", "path": "auth"}),
        ("c", {"key": "password", "path": "content"}),
    ]


def test_with_external_databases_the_job_creates_only_the_encryption_key() -> None:
    assert set(_requested(render(EXTERNAL))) == {"duet-auth-keys"}


def test_the_name_of_the_job_changes_with_its_specification() -> None:
    name = render().job("duet-secrets-")["metadata"]["name"]
    assert render({"auth": {"replicas": 2}}).job("duet-secrets-")["metadata"]["name"] == name
    assert render(EXTERNAL).job("duet-secrets-")["metadata"]["name"] != name
