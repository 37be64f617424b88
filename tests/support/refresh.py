"""Exchanging refresh tokens, as a test needs it."""

import httpx

PATH = "/api/v1/auth/refresh"


async def refresh(
    client: httpx.AsyncClient, token: str, user_agent: str | None = None
) -> httpx.Response:
    """The answer to an exchange, whatever it is; by `client`'s own user agent unless told."""
    headers = {} if user_agent is None else {"User-Agent": user_agent}
    return await client.post(PATH, json={"refresh_token": token}, headers=headers)


async def renewed(client: httpx.AsyncClient, token: str) -> str:
    """The successor of a token that is good."""
    answer = await refresh(client, token)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])
