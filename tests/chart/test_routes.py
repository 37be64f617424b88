"""Tests of the Ingress and the HTTPRoute, which route the public paths and no others."""

from tests.chart.rendering import EVERYTHING, render
from tests.support.public_paths import CHART_PATHS

_PATHS = {path: f"duet-{service}" for service, paths in CHART_PATHS.items() for path in paths}


def test_the_ingress_routes_only_the_public_paths() -> None:
    spec = render().one("Ingress", "duet-public")["spec"]
    (rule,) = spec["rules"]
    backends = {p["path"]: p["backend"]["service"]["name"] for p in rule["http"]["paths"]}
    assert backends == _PATHS
    assert {p["pathType"] for p in rule["http"]["paths"]} == {"Prefix"}
    assert not {"host"} & rule.keys()
    assert not {"ingressClassName", "tls"} & spec.keys()


def test_the_ingress_has_the_configured_host_class_annotations_and_tls() -> None:
    ingress = render(EVERYTHING).one("Ingress", "duet-public")
    assert ingress["metadata"]["annotations"] == {"example.com/timeout": "3600"}
    assert ingress["spec"]["ingressClassName"] == "traefik"
    assert ingress["spec"]["rules"][0]["host"] == "duet.example.com"
    assert ingress["spec"]["tls"] == [{"hosts": ["duet.example.com"], "secretName": "duet-tls"}]


def test_the_http_route_routes_the_same_paths() -> None:
    spec = render(EVERYTHING).one("HTTPRoute", "duet-public")["spec"]
    routed = {
        rule["matches"][0]["path"]["value"]: rule["backendRefs"][0]["name"]
        for rule in spec["rules"]
    }
    assert routed == _PATHS
    assert spec["parentRefs"] == [{"name": "gateway", "namespace": "traefik"}]
    assert spec["hostnames"] == ["duet.example.com"]


def test_only_the_websocket_rule_of_the_http_route_has_timeouts() -> None:
    spec = render(EVERYTHING).one("HTTPRoute", "duet-public")["spec"]
    timed = {
        rule["matches"][0]["path"]["value"]: rule["timeouts"]
        for rule in spec["rules"]
        if "timeouts" in rule
    }
    assert timed == {"/ws": {"request": "0s"}}


def test_the_ingress_can_be_disabled_and_the_http_route_is_off_by_default() -> None:
    assert not render({"ingress": {"enabled": False}}).all("Ingress")
    assert not render().all("HTTPRoute")
