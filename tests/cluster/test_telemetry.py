"""What a real Prometheus and a real collector of traces see of Duet."""

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
import yaml

from tests.cluster.cluster import ROOT, SERVICES, Cluster, eventually
from tests.cluster.conftest import Say
from tests.support.users import RegisteredUser

_PATIENCE: Final = 60
_OBSERVABILITY: Final = ROOT / "deploy/observability"
_ELSEWHERE: Final = {"kube_job_failed"}  # kube-state-metrics
_PARENT: Final = "parentSpanId"
_READ: Final = "print(open('/traces/traces.json').read())"


@pytest.fixture
async def scraped(
    extended: Cluster, client: httpx.AsyncClient, registered_user: RegisteredUser
) -> Cluster:
    """Prometheus has seen every pod since somebody used both services."""
    assert (await client.get("/api/v1/posts", headers=registered_user.headers)).status_code == 200
    query = 'sum by (job) (http_requests_total{handler=~"/api/v1/(posts|auth/login)"}) > 0'

    def seen() -> bool:
        found = extended.query("query", query=query)["result"]
        return {series["metric"]["job"] for series in found} == set(SERVICES)

    eventually("scrapes of both", seen, _PATIENCE)
    return extended


def test_prometheus_scrapes_both_services(scraped: Cluster, say: Say) -> None:
    targets = scraped.query("targets", state="active")["activeTargets"]
    found = {target["labels"]["pod"]: target["health"] for target in targets}
    running = [pod for service in SERVICES for pod in scraped.pods(service)]
    assert {pod: found.get(pod) for pod in running} == dict.fromkeys(running, "up")
    handlers = scraped.query("label/handler/values")
    assert "none" not in handlers
    assert "/api/v1/posts" in handlers
    say(f"{len(running)} targets up, {len(handlers)} route templates")


def test_the_rules_load_and_evaluate(scraped: Cluster, say: Say) -> None:
    def evaluated() -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = [
            rule for group in scraped.query("rules")["groups"] for rule in group["rules"]
        ]
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else []

    rules = eventually("an evaluation of every rule", evaluated, _PATIENCE)
    assert {rule["health"] for rule in rules} == {"ok"}, rules
    firing = [rule["name"] for rule in rules if rule.get("state") == "firing"]
    assert "DuetSigningKeyOld" not in firing
    recorded = scraped.query("query", query="count by (job) (duet:http_requests:rate5m)")["result"]
    assert {series["metric"]["job"] for series in recorded} == set(SERVICES)
    say(f"{len(rules)} rules evaluated, firing: {firing or 'none'}")


def test_the_rules_pass_their_own_tests(scraped: Cluster) -> None:
    said = scraped.kubectl(
        "exec", "deployment/prometheus", "--", "promtool", "test", "rules",
        "/etc/prometheus/rules/alerts_test.yaml", namespace="monitoring",
    )  # fmt: skip
    assert "SUCCESS" in said


def test_every_metric_that_is_named_is_there(scraped: Cluster, say: Say) -> None:
    """In a live scrape: what a panel or an alert asks for."""
    texts = [(_OBSERVABILITY / name).read_text() for name in ("alerts.yaml", "dashboard.json")]
    named = set(re.findall(r"(?<![\w:])(?:http|duet|kube)_\w+", _expressions(texts)))
    there = set(scraped.query("label/__name__/values"))
    assert named - there == _ELSEWHERE
    say(f"{len(named)} metrics")


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
    """The spans of one trace, from lines of OTLP in JSON."""
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


async def test_a_trace_joins_ingress_service_and_sql(
    extended: Cluster, client: httpx.AsyncClient, registered_user: RegisteredUser, say: Say
) -> None:
    first, second, caller = (uuid.uuid4().hex[:16] for _ in range(3))  # noqa: TID251
    trace_id = f"{first}0000{second[4:]}"  # one that Traefik keeps: manifests/traefik.yaml
    headers = {**registered_user.headers, "traceparent": f"00-{trace_id}-{caller}-01"}
    post = await client.post("/api/v1/posts", headers=headers, json={"title": "Traced"})
    assert post.status_code == 201
    (collector,) = extended.kubectl(
        "get", "pods", "-l=app=collector", "--output=name", namespace="monitoring"
    ).split()

    def joined() -> list[_Span]:
        written = extended.kubectl(
            "exec", collector, "-c=reader", "--", "python", "-c", _READ, namespace="monitoring"
        )
        spans = _spans(written, trace_id)
        return spans if {span.service for span in spans} == {"traefik", "duet-content"} else []

    spans = eventually("both parts of the trace", joined, _PATIENCE)
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
    say(f"{len(spans)} spans: {', '.join(names)}")
