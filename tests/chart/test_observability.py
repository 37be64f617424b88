"""Tests of scraping, tracing, the dashboard and the alerts."""

import json
import re
from typing import Final

import pytest
import yaml

from tests.chart.rendering import CHARTS, EVERYTHING, Values, render

_OBSERVABILITY: Final = CHARTS.parent / "observability"
_METRICS: Final = {
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "duet_db_pool_connections",
    "duet_db_pool_connections_max",
    "duet_websocket_connections",
    "duet_build_info",
    "duet_signing_key_age_seconds",
    "kube_job_failed",  # kube-state-metrics
}


def test_pods_have_scrape_annotations() -> None:
    annotations = render().pod("Deployment/duet-auth").annotations
    assert {k: v for k, v in annotations.items() if k.startswith("prometheus.io/")} == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8000",
        "prometheus.io/path": "/metrics",
    }


@pytest.mark.parametrize(
    "metrics",
    [{"scrapeAnnotations": False}, {"serviceMonitor": {"enabled": True}}],
    ids=["disabled", "ServiceMonitor"],
)
def test_pods_have_no_scrape_annotations_if_disabled_or_with_a_service_monitor(
    metrics: Values,
) -> None:
    pod = render({"global": {"duet": {"metrics": metrics}}}).pod("Deployment/duet-auth")
    assert not [name for name in pod.annotations if name.startswith("prometheus.io/")]


def test_service_monitors_select_the_services() -> None:
    assert not render().all("ServiceMonitor")
    manifests = render(EVERYTHING)
    for service in ("auth", "content"):
        monitor = manifests.one("ServiceMonitor", f"duet-{service}")
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        selector = monitor["spec"]["selector"]["matchLabels"]
        labels = manifests.one("Service", f"duet-{service}")["metadata"]["labels"]
        assert selector.items() <= labels.items()


def test_tracing_is_off_without_an_endpoint() -> None:
    assert "OTEL_" not in render().text


def test_traces_are_sent_to_the_endpoint() -> None:
    environment = render(EVERYTHING).pod("Deployment/duet-content").environment
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.tracing:4318"
    assert environment["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
    assert environment["OTEL_SERVICE_NAME"] == "duet-content"
    assert environment["OTEL_TRACES_SAMPLER_ARG"] == "1"
    assert "k8s.pod.name=$(POD_NAME)" in environment["OTEL_RESOURCE_ATTRIBUTES"]
    names = list(environment)
    assert names.index("POD_NAME") < names.index("OTEL_RESOURCE_ATTRIBUTES")


def test_the_config_map_contains_the_dashboard_unchanged() -> None:
    config = render().one("ConfigMap", "duet-dashboard")
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config["data"]["duet.json"] == (_OBSERVABILITY / "dashboard.json").read_text()
    assert not render({"dashboard": {"enabled": False}}).names("ConfigMap") & {"duet-dashboard"}


def test_the_prometheus_rule_contains_the_alerts_unchanged() -> None:
    assert not render().all("PrometheusRule")
    rule = render(EVERYTHING).one("PrometheusRule", "duet-alerts")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert rule["spec"] == yaml.safe_load((_OBSERVABILITY / "alerts.yaml").read_text())


def test_the_dashboard_and_the_alerts_use_only_known_metrics() -> None:
    dashboard = json.loads((_OBSERVABILITY / "dashboard.json").read_text())
    rules = yaml.safe_load((_OBSERVABILITY / "alerts.yaml").read_text())
    expressions = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    expressions += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    used = re.findall(r"(?<![\w:])(?:http|duet|kube)_\w+", " ".join(expressions))
    assert set(used) == _METRICS


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    dashboard = json.loads((_OBSERVABILITY / "dashboard.json").read_text())
    occupied: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        position = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(position["x"], position["x"] + position["w"])
            for y in range(position["y"], position["y"] + position["h"])
        }
        assert not cells & occupied, panel["title"]
        assert position["x"] + position["w"] <= 24
        occupied |= cells
