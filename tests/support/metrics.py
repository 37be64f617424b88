"""Scrape an app's `/metrics` directly, because the standalone server does not route that path."""

from dataclasses import dataclass

import httpx
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@dataclass(frozen=True)
class Scrape:
    """The samples in one response of `/metrics`."""

    samples: list[Sample]

    @classmethod
    def parse(cls, text: str) -> "Scrape":
        families = text_string_to_metric_families(text)
        return cls([sample for family in families for sample in family.samples])

    def labels(self, name: str) -> list[dict[str, str]]:
        """Return the labels of every series of a metric, sorted."""
        found = (sample.labels for sample in self.samples if sample.name == name)
        return sorted(found, key=lambda labels: sorted(labels.items()))

    def value(self, name: str, **labels: str) -> float:
        """Return the value of the one series with these labels, or 0 if there is none."""
        found = [
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) <= 1, f"{len(found)} series match {name}{labels}"
        return found[0] if found else 0


async def scrape(app: FastAPI) -> Scrape:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    return Scrape.parse(response.text)
