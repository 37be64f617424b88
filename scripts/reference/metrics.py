"""The metrics of both services, from the registries of their apps."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics import MetricWrapperBase

from scripts.reference.apps import apps
from scripts.reference.markdown import code, table

_GAUGES: Final = {"livesum": "sum", "livemax": "maximum"}


def metric_table() -> str:
    """Return a table of the metrics that Duet defines, with the services that have them."""
    services: dict[tuple[str, ...], list[str]] = {}
    for service, app in apps().items():
        for metric in _metrics(app.metrics.registry):
            services.setdefault(_row(metric), []).append(service)
    rows = [
        (code(name), ", ".join(names), *rest) for (name, *rest), names in sorted(services.items())
    ]
    return table(("metric", "service", "type", "labels", "workers", "meaning"), rows)


def _metrics(registry: CollectorRegistry) -> Iterator[MetricWrapperBase]:
    # The client offers no public way to list a registry before there are samples.
    for collector in registry._collector_to_names:  # noqa: SLF001
        if isinstance(collector, MetricWrapperBase):
            yield collector


def _row(metric: MetricWrapperBase) -> tuple[str, ...]:
    (family,) = metric.describe()
    # A counter is exported with a suffix that its family does not have.
    name = f"{family.name}_total" if isinstance(metric, Counter) else family.name
    labels = ", ".join(map(code, metric._labelnames))  # noqa: SLF001 - there is no public accessor
    workers = "sum"
    if isinstance(metric, Gauge):
        workers = _GAUGES[metric._multiprocess_mode]  # noqa: SLF001 - the same reason
    return name, family.type, labels, workers, family.documentation
