"""The exchange of refresh tokens over HTTP."""

import httpx

PATH = "/api/v1/auth/refresh"


async def refresh(
    client: httpx.AsyncClient, token: str, user_agent: str | None = None
) -> httpx.Response:
    """Exchange a refresh token and return the response, whatever its status."""
    headers = {} if user_agent is None else {"User-Agent": user_agent}
    return await client.post(PATH, json={"refresh_token": token}, headers=headers)


async def next_refresh_token(client: httpx.AsyncClient, token: str) -> str:
    """Exchange a valid refresh token and return its successor."""
    response = await refresh(client, token)
    assert response.status_code == 200, response.text
    return str(response.json()["refresh_token"])
