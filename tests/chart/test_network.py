"""Network policies: closed, but for what is named."""

import json
from typing import Any

import pytest

from tests.chart.rendering import ALONE, EVERYTHING, EXTERNAL, Manifests, Values, merged, render

_NAMESPACE = "kubernetes.io/metadata.name"


def _rules(manifests: Manifests, policy: str, direction: str) -> list[tuple[list[int], list[str]]]:
    """Ports, and peers by what tells them apart: a component, a namespace or a network."""
    rules = manifests.one("NetworkPolicy", policy)["spec"].get(direction, [])
    return [
        (
            [port["port"] for port in rule.get("ports", [])],
            [
                name
                for peer in rule.get("to", rule.get("from", [{"ipBlock": {"cidr": "anywhere"}}]))
                for name in _names(peer)
            ],
        )
        for rule in rules
    ]


def _names(peer: dict[str, Any]) -> list[str]:
    if "ipBlock" in peer:
        return [peer["ipBlock"]["cidr"]]
    selector = peer.get("podSelector") or peer["namespaceSelector"]
    labels = selector.get("matchLabels", {})
    if "namespaceSelector" in peer:
        names = [labels[_NAMESPACE]] if labels else selector["matchExpressions"][0]["values"]
        return [f"namespace {name}" for name in names]
    assert labels["app.kubernetes.io/instance"] == "duet", "another release's pods"
    if "matchExpressions" in selector:
        return list(selector["matchExpressions"][0]["values"])
    return [labels["app.kubernetes.io/component"]]


_DNS = ([53, 53], ["namespace kube-system"])
_OUTSIDE = ["traefik", "ingress-nginx", "kube-system", "monitoring"]


def test_every_pod_is_selected_and_closed_both_ways() -> None:
    for upgrade in (False, True):
        manifests = render(upgrade=upgrade)
        for pod in manifests.pods():
            own = {
                json.dumps(policy["spec"])  # an upgrade's hook brings the migrations' once more
                for policy in manifests.all("NetworkPolicy")
                if policy["spec"]["podSelector"]["matchLabels"].items() <= pod.labels.items()
            }
            assert len(own) == 2, f"{pod.owner}: its own, and the release's"
            assert all(json.loads(spec)["policyTypes"] == ["Ingress", "Egress"] for spec in own)


def test_the_release_is_closed_by_default() -> None:
    spec = render().one("NetworkPolicy", "duet-default-deny")["spec"]
    assert not {"ingress", "egress"} & spec.keys()


def test_auth() -> None:
    manifests = render()
    outside = [f"namespace {name}" for name in _OUTSIDE]
    assert _rules(manifests, "duet-auth", "ingress") == [([8000], [*outside, "test", "content"])]
    assert _rules(manifests, "duet-auth", "egress") == [_DNS, ([5432], ["postgres"])]


def test_content_reaches_auth_and_auth_not_content() -> None:
    manifests = render()
    outside = [f"namespace {name}" for name in _OUTSIDE]
    assert _rules(manifests, "duet-content", "ingress") == [([8000], [*outside, "test"])]
    assert _rules(manifests, "duet-content", "egress") == [
        _DNS,
        ([5432], ["postgres"]),
        ([8000], ["auth"]),
    ]


def test_postgres_is_reached_by_the_services_and_their_migrations() -> None:
    manifests = render()
    clients = ["auth", "auth-migrate", "content", "content-migrate"]
    assert _rules(manifests, "duet-postgres", "ingress") == [([5432], clients)]
    assert _rules(manifests, "duet-postgres", "egress") == []


@pytest.mark.parametrize("upgrade", [False, True])
def test_migrations_reach_the_database_and_nobody_reaches_them(upgrade: bool) -> None:
    manifests = render(upgrade=upgrade)
    policy = "duet-auth-migrate" + "-upgrade" * upgrade
    assert _rules(manifests, policy, "egress") == [_DNS, ([5432], ["postgres"])]
    assert _rules(manifests, policy, "ingress") == []


def test_the_secrets_job_reaches_the_api_server_alone() -> None:
    assert _rules(render(), "duet-secrets", "egress") == [([443, 6443], ["anywhere"])]
    assert _rules(render(), "duet-secrets", "ingress") == []


def test_the_test_reaches_the_services() -> None:
    assert _rules(render(), "duet-test", "egress") == [_DNS, ([8000], ["auth", "content"])]


def test_what_is_named_is_opened() -> None:
    manifests = render(EVERYTHING)
    egress = _rules(manifests, "duet-auth", "egress")
    assert ([4318], ["anywhere"]) in egress
    assert ([], ["192.0.2.0/24"]) in egress
    assert "10.0.0.0/8" in _rules(manifests, "duet-auth", "ingress")[0][1]
    peers = [{"namespaceSelector": {"matchLabels": {_NAMESPACE: "tracing"}}}]
    named: Values = {"global": {"duet": {"tracing": {"peers": peers}}}}
    egress = _rules(render(merged(EVERYTHING, named)), "duet-auth", "egress")
    assert ([4318], ["namespace tracing"]) in egress


def test_other_namespaces() -> None:
    policy = {"ingressNamespaces": ["edge"], "metricsNamespaces": []}
    manifests = render({"global": {"duet": {"networkPolicy": policy}}})
    ((_, peers),) = _rules(manifests, "duet-content", "ingress")
    assert peers == ["namespace edge", "test"]


def test_an_external_database_is_anywhere_or_where_it_is_said_to_be() -> None:
    assert ([5432], ["anywhere"]) in _rules(render(EXTERNAL), "duet-auth", "egress")
    database = {"port": 6432, "peers": [{"ipBlock": {"cidr": "10.9.0.0/24"}}]}
    manifests = render(merged(EXTERNAL, {"auth": {"database": database}}))
    for policy in ("duet-auth", "duet-auth-migrate"):
        assert ([6432], ["10.9.0.0/24"]) in _rules(manifests, policy, "egress")


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://auth.identity:8000/.well-known/jwks.json", 8000),
        ("https://id.example.com/.well-known/jwks.json", 443),
        ("http://id.example.com/.well-known/jwks.json", 80),
    ],
)
def test_keys_elsewhere_are_reached_on_their_port(url: str, port: int) -> None:
    values = merged(ALONE["duet-content"], {"jwks": {"url": url}})
    manifests = render(values, "duet-content")
    assert ([port], ["anywhere"]) in _rules(manifests, "duet-content", "egress")


def test_they_may_be_turned_off() -> None:
    for upgrade in (False, True):
        values = {"global": {"duet": {"networkPolicy": {"enabled": False}}}}
        assert not render(values, upgrade=upgrade).all("NetworkPolicy")
