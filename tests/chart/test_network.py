"""Tests of the network policies, which deny everything that is not explicitly allowed."""

import json
from typing import Any

import pytest

from tests.chart.rendering import ALONE, EVERYTHING, EXTERNAL, Manifests, Values, merged, render

_NAMESPACE = "kubernetes.io/metadata.name"


def _rules(manifests: Manifests, policy: str, direction: str) -> list[tuple[list[int], list[str]]]:
    """Return the ports and peers of each rule. A peer is a component, a namespace or a network."""
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
    assert labels["app.kubernetes.io/instance"] == "duet", (
        "the policy allows pods of another release"
    )
    if "matchExpressions" in selector:
        return list(selector["matchExpressions"][0]["values"])
    return [labels["app.kubernetes.io/component"]]


_DNS = ([53, 53], ["namespace kube-system"])
_OUTSIDE = ["traefik", "ingress-nginx", "kube-system", "monitoring"]


def test_every_pod_has_a_policy_for_both_directions() -> None:
    for upgrade in (False, True):
        manifests = render(upgrade=upgrade)
        for pod in manifests.pods():
            own = {
                json.dumps(policy["spec"])  # the hook's policy repeats that of the migrations
                for policy in manifests.all("NetworkPolicy")
                if policy["spec"]["podSelector"]["matchLabels"].items() <= pod.labels.items()
            }
            assert len(own) == 2, f"{pod.owner}: its own policy, and that of the release"
            assert all(json.loads(spec)["policyTypes"] == ["Ingress", "Egress"] for spec in own)


def test_the_release_denies_all_traffic_by_default() -> None:
    spec = render().one("NetworkPolicy", "duet-default-deny")["spec"]
    assert not {"ingress", "egress"} & spec.keys()


def test_auth_accepts_and_makes_only_the_allowed_connections() -> None:
    manifests = render()
    outside = [f"namespace {name}" for name in _OUTSIDE]
    assert _rules(manifests, "duet-auth", "ingress") == [([8000], [*outside, "test", "content"])]
    assert _rules(manifests, "duet-auth", "egress") == [_DNS, ([5432], ["postgres"])]


def test_content_may_connect_to_auth_but_auth_not_to_content() -> None:
    manifests = render()
    outside = [f"namespace {name}" for name in _OUTSIDE]
    assert _rules(manifests, "duet-content", "ingress") == [([8000], [*outside, "test"])]
    assert _rules(manifests, "duet-content", "egress") == [
        _DNS,
        ([5432], ["postgres"]),
        ([8000], ["auth"]),
    ]


def test_only_services_and_migrations_may_connect_to_postgres() -> None:
    manifests = render()
    clients = ["auth", "auth-migrate", "content", "content-migrate"]
    assert _rules(manifests, "duet-postgres", "ingress") == [([5432], clients)]
    assert _rules(manifests, "duet-postgres", "egress") == []


@pytest.mark.parametrize("upgrade", [False, True])
def test_migrations_may_connect_to_the_database_and_accept_no_connections(upgrade: bool) -> None:
    manifests = render(upgrade=upgrade)
    policy = "duet-auth-migrate" + "-upgrade" * upgrade
    assert _rules(manifests, policy, "egress") == [_DNS, ([5432], ["postgres"])]
    assert _rules(manifests, policy, "ingress") == []


def test_the_secrets_job_may_connect_only_to_the_api_server_ports() -> None:
    assert _rules(render(), "duet-secrets", "egress") == [([443, 6443], ["anywhere"])]
    assert _rules(render(), "duet-secrets", "ingress") == []


def test_the_pod_of_helm_test_may_connect_to_both_services() -> None:
    assert _rules(render(), "duet-test", "egress") == [_DNS, ([8000], ["auth", "content"])]


def test_additional_clients_egress_rules_and_tracing_peers_are_allowed() -> None:
    manifests = render(EVERYTHING)
    egress = _rules(manifests, "duet-auth", "egress")
    assert ([4318], ["anywhere"]) in egress
    assert ([], ["192.0.2.0/24"]) in egress
    assert "10.0.0.0/8" in _rules(manifests, "duet-auth", "ingress")[0][1]
    peers = [{"namespaceSelector": {"matchLabels": {_NAMESPACE: "tracing"}}}]
    tracing: Values = {"global": {"duet": {"tracing": {"peers": peers}}}}
    egress = _rules(render(merged(EVERYTHING, tracing)), "duet-auth", "egress")
    assert ([4318], ["namespace tracing"]) in egress


def test_ingress_and_metrics_namespaces_are_configurable() -> None:
    policy = {"ingressNamespaces": ["edge"], "metricsNamespaces": []}
    manifests = render({"global": {"duet": {"networkPolicy": policy}}})
    ((_, peers),) = _rules(manifests, "duet-content", "ingress")
    assert peers == ["namespace edge", "test"]


def test_egress_to_an_external_database_is_limited_to_its_peers_if_given() -> None:
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
def test_content_may_connect_to_the_port_of_an_external_jwks_url(url: str, port: int) -> None:
    values = merged(ALONE["duet-content"], {"jwks": {"url": url}})
    manifests = render(values, "duet-content")
    assert ([port], ["anywhere"]) in _rules(manifests, "duet-content", "egress")


def test_network_policies_can_be_disabled() -> None:
    for upgrade in (False, True):
        values = {"global": {"duet": {"networkPolicy": {"enabled": False}}}}
        assert not render(values, upgrade=upgrade).all("NetworkPolicy")
