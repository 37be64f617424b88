"""The settings determine whether tracing is on and where spans are exported."""

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from pydantic import ValidationError

from duet_common.observability.spans import Spans, otlp
from duet_common.observability.tracing import tracing_of
from duet_common.settings import ServiceSettings

COLLECTOR = "http://collector:4318"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    monkeypatch.delenv("OTEL_TRACES_EXPORTER", raising=False)


@pytest.mark.parametrize(
    ("settings", "is_on"),
    [
        ({}, False),
        ({"otel_exporter_otlp_endpoint": ""}, False),
        ({"otel_exporter_otlp_endpoint": COLLECTOR}, True),
        ({"otel_exporter_otlp_traces_endpoint": f"{COLLECTOR}/v1/traces"}, True),
        ({"otel_traces_exporter": "otlp"}, True),
        ({"otel_traces_exporter": "console"}, True),
        ({"otel_traces_exporter": "none", "otel_exporter_otlp_endpoint": COLLECTOR}, False),
    ],
)
def test_tracing_is_on_if_an_exporter_is_configured(settings: dict[str, Any], is_on: bool) -> None:
    tracing = tracing_of(ServiceSettings(**settings), "test", "1")

    assert isinstance(tracing, Spans) is is_on


def test_the_standard_environment_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", COLLECTOR)

    assert isinstance(tracing_of(ServiceSettings(), "test", "1"), Spans)


def test_an_unknown_exporter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "jaeger")

    with pytest.raises(ValidationError):
        ServiceSettings()


def test_the_path_of_traces_is_appended_to_the_base_endpoint_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoints: list[str | None] = []
    monkeypatch.setattr("duet_common.observability.spans.otlp", endpoints.append)
    for settings in (
        ServiceSettings(otel_exporter_otlp_endpoint=f"{COLLECTOR}/"),
        ServiceSettings(
            otel_exporter_otlp_endpoint=COLLECTOR,
            otel_exporter_otlp_traces_endpoint="http://traces/in",
        ),
        ServiceSettings(otel_traces_exporter="otlp"),
    ):
        tracing = tracing_of(settings, "test", "1")
        assert isinstance(tracing, Spans)
        tracing._exporter()

    assert endpoints == [f"{COLLECTOR}/v1/traces", "http://traces/in", None]


def test_spans_are_exported_as_protobuf_over_http() -> None:
    assert isinstance(otlp(f"{COLLECTOR}/v1/traces"), OTLPSpanExporter)


def test_the_environment_overrides_the_service_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "blog")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=blog-1")
    attributes = Spans(lambda: otlp(None), "test", "1")._provider.resource.attributes

    assert attributes["service.name"] == "blog"
    assert attributes["service.version"] == "1"
    assert attributes["k8s.pod.name"] == "blog-1"
