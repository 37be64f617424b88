"""An invalid value of a profile gets 422 with the name of the field, and nothing is stored."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from duet_content.profiles.models import Profile
from tests.support.problems import assert_problem, rejected_body_fields

ME = "/api/v1/profiles/me"

INVALID: dict[str, dict[str, Any]] = {
    "avatar over http": {"avatar_url": "http://example.com/a.png"},
    "avatar with JavaScript": {"avatar_url": "javascript:alert(1)"},
    "avatar as data URL": {"avatar_url": "data:image/png;base64,AAAA"},
    "avatar without a scheme": {"avatar_url": "//example.com/a.png"},
    "avatar without a host": {"avatar_url": "https://"},
    "avatar too long": {"avatar_url": "https://example.com/" + "a" * 2029},
    "avatar too long after encoding": {"avatar_url": "https://example.com/" + "é" * 1000},
    "avatar with NUL": {"avatar_url": "https://example.com/\0"},
    "avatar empty": {"avatar_url": ""},
    "name blank": {"display_name": " \t\u00a0"},
    "name empty": {"display_name": ""},
    "name too long": {"display_name": "a" * 101},
    "name with NUL": {"display_name": "A\0da"},
    "name a number": {"display_name": 1},
    "name a list": {"display_name": ["Ada"]},
    "bio too long": {"bio": "a" * 2001},
    "bio with NUL": {"bio": "\0"},
    "bio an object": {"bio": {}},
    "user_id": {"user_id": "0198c0de-0000-7000-8000-000000000000"},
    "an unknown field": {"is_admin": True},
}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("values", INVALID.values(), ids=INVALID.keys())
async def test_an_invalid_value_is_refused(
    authenticated_client: httpx.AsyncClient,
    db_session: AsyncSession,
    method: str,
    values: dict[str, Any],
) -> None:
    response = await authenticated_client.request(method, ME, json=values)
    assert rejected_body_fields(response) == [f"/{name}" for name in values]
    assert await db_session.scalar(select(func.count()).select_from(Profile)) == 0


@pytest.mark.parametrize("name", ["display_name", "bio", "avatar_url"])
async def test_a_lone_surrogate_is_refused(
    authenticated_client: httpx.AsyncClient, db_session: AsyncSession, name: str
) -> None:
    response = await authenticated_client.patch(
        ME,
        content=f'{{"{name}": "https://example.com/\\ud800"}}',
        headers={"Content-Type": "application/json"},
    )
    assert rejected_body_fields(response) == [f"/{name}"]
    assert await db_session.scalar(select(func.count()).select_from(Profile)) == 0


async def test_one_invalid_field_refuses_the_whole_change(
    authenticated_client: httpx.AsyncClient,
) -> None:
    await authenticated_client.put(ME, json={"bio": "Countess"})
    response = await authenticated_client.patch(ME, json={"bio": "Baron", "display_name": ""})
    assert_problem(response, 422, "validation_failed")
    assert (await authenticated_client.get(ME)).json()["bio"] == "Countess"


async def test_an_error_does_not_repeat_the_invalid_value(
    authenticated_client: httpx.AsyncClient,
) -> None:
    response = await authenticated_client.put(ME, json={"avatar_url": "http://my-secret.test/"})
    assert "my-secret" not in response.text


@pytest.mark.parametrize(
    "values",
    [
        {"display_name": "a" * 100},
        {"display_name": "\U0001f469\u200d\U0001f52c"},
        {"bio": "a" * 2000},
        {"bio": ""},
        {"avatar_url": "https://example.com/" + "a" * 2028},
    ],
    ids=[
        "the longest name",
        "a name of emoji",
        "the longest bio",
        "an empty bio",
        "the longest URL",
    ],
)
async def test_a_value_within_the_limits_is_stored(
    authenticated_client: httpx.AsyncClient, values: dict[str, str]
) -> None:
    response = await authenticated_client.put(ME, json=values)
    assert response.status_code == 200
    assert response.json().items() >= values.items()
