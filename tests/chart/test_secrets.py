"""Secrets: those that are given, and the Job that makes the others once."""

import json
from typing import Any

import pytest

from tests.chart.rendering import EXTERNAL, Manifests, Values, merged, render

_ALL_GIVEN: Values = {
    "auth": {
        "database": {"existingSecret": "a"},
        "keyEncryption": {"existingSecret": "k", "key": "kek"},
    },
    "content": {"database": {"existingSecret": "c"}},
    "postgres": {"existingSecret": "p"},
}


def _asked_for(manifests: Manifests) -> dict[str, Any]:
    spec = json.loads(manifests.pod("Job/duet-secrets-").environment["SECRETS_SPEC"])
    assert spec["labels"]["app.kubernetes.io/instance"] == "duet"
    return {secret["name"]: secret["data"] for secret in spec["secrets"]}


def test_nothing_secret_is_rendered() -> None:
    assert not render().all("Secret")


def test_what_the_job_is_asked_for() -> None:
    password = {"generate": "password"}
    url = "postgresql://duet_{0}:{{password}}@duet-postgres:5432/duet_{0}"
    assert _asked_for(render()) == {
        "duet-auth-database": {"password": password, "url": {"template": url.format("auth")}},
        "duet-content-database": {"password": password, "url": {"template": url.format("content")}},
        "duet-auth-keys": {"keyEncryptionKey": {"generate": "base64-32"}},
        "duet-postgres": {"password": password},
    }


def test_kubernetes_does_not_expand_the_template() -> None:
    """`$(…)` in a variable's value would be a reference to another variable."""
    assert "$(" not in render().pod("Job/duet-secrets-").environment["SECRETS_SPEC"]


@pytest.mark.parametrize("upgrade", [False, True])
def test_the_job_runs_before_everything_and_goes(upgrade: bool) -> None:
    manifests = render(upgrade=upgrade)
    annotations = manifests.job("duet-secrets-")["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert "hook-succeeded" in annotations["helm.sh/hook-delete-policy"]
    for kind in ("ServiceAccount", "Role", "RoleBinding", "NetworkPolicy"):
        around = manifests.one(kind, "duet-secrets")["metadata"]["annotations"]
        assert int(around["helm.sh/hook-weight"]) < int(annotations["helm.sh/hook-weight"])
        assert "hook-succeeded" in around["helm.sh/hook-delete-policy"]


def test_the_job_can_create_secrets_and_change_none() -> None:
    rules = render().one("Role", "duet-secrets")["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"create", "get"}
    (reads,) = (rule for rule in rules if rule["verbs"] == ["get"])
    assert set(reads["resourceNames"]) == set(_asked_for(render()))


def test_a_secret_that_is_given_is_not_made() -> None:
    manifests = render({"auth": {"keyEncryption": {"existingSecret": "k", "key": "kek"}}})
    assert "duet-auth-keys" not in _asked_for(manifests)
    environment = manifests.pod("Deployment/duet-auth").environment
    assert environment["KEY_ENCRYPTION_KEY"] == "secret:k/kek"


@pytest.mark.parametrize("create", [True, False])
def test_there_is_no_job_when_all_are_given(create: bool) -> None:
    values = merged(_ALL_GIVEN, {"global": {"duet": {"createSecrets": create}}})
    for kind in ("Job", "Role", "RoleBinding", "NetworkPolicy", "ServiceAccount"):
        assert not [n for n in render(values).names(kind) if n.startswith("duet-secrets")]


def test_given_secrets_open_the_charts_own_postgres() -> None:
    volumes = render(_ALL_GIVEN).pod("StatefulSet/duet-postgres").spec["volumes"]
    (passwords,) = (v["projected"]["sources"] for v in volumes if v["name"] == "passwords")
    assert [(s["secret"]["name"], s["secret"]["items"][0]) for s in passwords] == [
        ("p", {"key": "password", "path": "postgres"}),
        ("a", {"key": "password", "path": "auth"}),
        ("c", {"key": "password", "path": "content"}),
    ]


def test_with_databases_elsewhere_only_the_key_is_made() -> None:
    assert set(_asked_for(render(EXTERNAL))) == {"duet-auth-keys"}


def test_the_jobs_name_changes_with_what_it_is_asked_for() -> None:
    name = render().job("duet-secrets-")["metadata"]["name"]
    assert render({"auth": {"replicas": 2}}).job("duet-secrets-")["metadata"]["name"] == name
    assert render(EXTERNAL).job("duet-secrets-")["metadata"]["name"] != name
