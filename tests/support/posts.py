"""Posts written over HTTP, as a test needs them."""

from typing import Any

import httpx

POSTS = "/api/v1/posts"
Json = dict[str, Any]


async def write_draft(author: httpx.AsyncClient, **fields: str) -> Json:
    """A new draft of the client's user."""
    answer = await author.post(POSTS, json={"title": "Engines", "content": "They weave.", **fields})
    assert answer.status_code == 201, answer.text
    draft: Json = answer.json()
    return draft


async def write_post(author: httpx.AsyncClient, **fields: str) -> Json:
    """A new post of the client's user, published."""
    draft = await write_draft(author, **fields)
    answer = await author.post(f"{POSTS}/{draft['id']}/publish")
    assert answer.status_code == 200, answer.text
    post: Json = answer.json()
    return post
