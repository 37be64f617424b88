"""What an app shows at `/metrics`, asked directly: no proxy routes it."""

from dataclasses import dataclass

import httpx
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@dataclass(frozen=True)
class Scrape:
    """One answer of `/metrics`."""

    samples: list[Sample]

    @classmethod
    def of(cls, text: str) -> "Scrape":
        families = text_string_to_metric_families(text)
        return cls([sample for family in families for sample in family.samples])

    def labels(self, name: str) -> list[dict[str, str]]:
        """Every combination of labels of a metric, in a stable order."""
        found = (sample.labels for sample in self.samples if sample.name == name)
        return sorted(found, key=lambda labels: sorted(labels.items()))

    def value(self, name: str, **labels: str) -> float:
        """The value of the one series with these labels; 0 if there is none."""
        found = [
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) <= 1, f"{name}{labels} is {len(found)} series"
        return found[0] if found else 0


async def scrape(app: FastAPI) -> Scrape:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    return Scrape.of(response.text)
