"""`make seed` against a rate limit."""

import io

import httpx
import pytest
from rich.console import Console

from scripts import seed


def test_a_limited_request_is_sent_again_when_the_limit_allows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    answers = iter(
        [
            httpx.Response(429, headers={"Retry-After": "12"}),
            httpx.Response(429, headers={"Retry-After": "1"}),
            httpx.Response(201, json={}),
        ]
    )
    printed = io.StringIO()
    with httpx.Client(
        base_url="http://duet.test", transport=httpx.MockTransport(lambda _: next(answers))
    ) as client:
        answer = seed.Api(client, Console(file=printed)).call("POST", "/auth/register", json={})

    assert answer.status_code == 201
    assert waits == [12, 1]
    assert "waiting 12 s" in printed.getvalue()
