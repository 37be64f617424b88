"""Tests of metrics, alerts and traces with a real Prometheus and a real trace collector."""

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
import yaml

from tests.cluster.cluster import ROOT, SERVICES, Cluster, eventually
from tests.cluster.conftest import RecordFigure
from tests.support.users import RegisteredUser

_TIMEOUT_SECONDS: Final = 60
_OBSERVABILITY: Final = ROOT / "deploy/observability"
_OTHER_EXPORTERS: Final = {"kube_job_failed"}  # kube-state-metrics
_PARENT: Final = "parentSpanId"
_READ_TRACES: Final = "print(open('/traces/traces.json').read())"


@pytest.fixture
async def scraped(
    extended: Cluster, client: httpx.AsyncClient, registered_user: RegisteredUser
) -> Cluster:
    """The cluster, after Prometheus has scraped both services and seen requests to them."""
    assert (await client.get("/api/v1/posts", headers=registered_user.headers)).status_code == 200
    query = 'sum by (job) (http_requests_total{handler=~"/api/v1/(posts|auth/login)"}) > 0'

    def seen() -> bool:
        found = extended.query("query", query=query)["result"]
        return {series["metric"]["job"] for series in found} == set(SERVICES)

    eventually("scrapes of both services", seen, _TIMEOUT_SECONDS)
    return extended


def test_prometheus_scrapes_both_services(scraped: Cluster, record_figure: RecordFigure) -> None:
    targets = scraped.query("targets", state="active")["activeTargets"]
    found = {target["labels"]["pod"]: target["health"] for target in targets}
    running = [pod for service in SERVICES for pod in scraped.pods(service)]
    assert {pod: found.get(pod) for pod in running} == dict.fromkeys(running, "up")
    handlers = scraped.query("label/handler/values")
    assert "none" not in handlers
    assert "/api/v1/posts" in handlers
    record_figure(f"{len(running)} targets up, {len(handlers)} route templates")


def test_the_rules_load_and_evaluate(scraped: Cluster, record_figure: RecordFigure) -> None:
    def evaluated() -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = [
            rule for group in scraped.query("rules")["groups"] for rule in group["rules"]
        ]
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else []

    rules = eventually("the evaluation of every rule", evaluated, _TIMEOUT_SECONDS)
    assert {rule["health"] for rule in rules} == {"ok"}, rules
    firing = [rule["name"] for rule in rules if rule.get("state") == "firing"]
    assert "DuetSigningKeyOld" not in firing
    recorded = scraped.query("query", query="count by (job) (duet:http_requests:rate5m)")["result"]
    assert {series["metric"]["job"] for series in recorded} == set(SERVICES)
    record_figure(f"{len(rules)} rules evaluated, firing: {firing or 'none'}")


def test_the_rules_pass_their_promtool_tests(scraped: Cluster) -> None:
    output = scraped.kubectl(
        "exec", "deployment/prometheus", "--", "promtool", "test", "rules",
        "/etc/prometheus/rules/alerts_test.yaml", namespace="monitoring",
    )  # fmt: skip
    assert "SUCCESS" in output


def test_every_metric_of_the_dashboard_and_the_alerts_is_scraped(
    scraped: Cluster, record_figure: RecordFigure
) -> None:
    texts = [(_OBSERVABILITY / name).read_text() for name in ("alerts.yaml", "dashboard.json")]
    named = set(re.findall(r"(?<![\w:])(?:http|duet|kube)_\w+", _expressions(texts)))
    scraped_names = set(scraped.query("label/__name__/values"))
    assert named - scraped_names == _OTHER_EXPORTERS
    record_figure(f"{len(named)} metrics")


def _expressions(texts: list[str]) -> str:
    rules, dashboard = yaml.safe_load(texts[0]), json.loads(texts[1])
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return " ".join(
        found + [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    )


@dataclass(frozen=True)
class _Span:
    service: str
    name: str
    kind: int  # 1 internal, 2 server, 3 client
    id: str
    parent: str


def _spans(written: str, trace_id: str) -> list[_Span]:
    """Return the spans of one trace from lines of OTLP JSON."""
    found = []
    for line in filter(None, written.splitlines()):
        for resource in json.loads(line)["resourceSpans"]:
            attributes = {
                item["key"]: item["value"] for item in resource["resource"].get("attributes", [])
            }
            service = attributes["service.name"]["stringValue"]
            found += [
                _Span(
                    service,
                    span["name"],
                    span["kind"],
                    span["spanId"],
                    span.get("parentSpanId", ""),
                )
                for scope in resource["scopeSpans"]
                for span in scope["spans"]
                if span["traceId"] == trace_id
            ]
    return found


async def test_a_trace_contains_spans_of_the_ingress_the_service_and_its_sql(
    extended: Cluster,
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    record_figure: RecordFigure,
) -> None:
    first, second, caller = (uuid.uuid4().hex[:16] for _ in range(3))  # noqa: TID251
    trace_id = f"{first}0000{second[4:]}"  # Traefik samples this id, see manifests/traefik.yaml
    headers = {**registered_user.headers, "traceparent": f"00-{trace_id}-{caller}-01"}
    post = await client.post("/api/v1/posts", headers=headers, json={"title": "Traced"})
    assert post.status_code == 201
    (collector,) = extended.kubectl(
        "get", "pods", "-l=app=collector", "--output=name", namespace="monitoring"
    ).split()

    def joined() -> list[_Span]:
        written = extended.kubectl(
            "exec",
            collector,
            "-c=reader",
            "--",
            "python",
            "-c",
            _READ_TRACES,
            namespace="monitoring",
        )
        spans = _spans(written, trace_id)
        return spans if {span.service for span in spans} == {"traefik", "duet-content"} else []

    spans = eventually("the spans of Traefik and content", joined, _TIMEOUT_SECONDS)
    by_id = {span.id: span for span in spans}
    (server,) = (span for span in spans if span.service == "duet-content" and span.kind == 2)
    assert server.name == "POST /api/v1/posts"
    assert by_id[server.parent].service == "traefik"
    statements = [span for span in spans if span.service == "duet-content" and span.kind == 3]
    assert any(span.name.startswith("INSERT") for span in statements), spans
    assert {span.parent for span in statements} == {server.id}
    outermost = [span for span in spans if span.parent not in by_id]
    assert [span.parent for span in outermost] == [caller]
    names = [f"{span.service}: {span.name}" for span in spans]
    record_figure(f"{len(spans)} spans: {', '.join(names)}")
