"""Posts created over HTTP."""

from typing import Any

import httpx

POSTS = "/api/v1/posts"
Json = dict[str, Any]


async def create_draft(author: httpx.AsyncClient, **fields: str) -> Json:
    """Create a draft by the client's user and return it."""
    response = await author.post(
        POSTS, json={"title": "Engines", "content": "They weave.", **fields}
    )
    assert response.status_code == 201, response.text
    draft: Json = response.json()
    return draft


async def etag_of(reader: httpx.AsyncClient, url: str) -> str:
    """Return the ETag of a successful read."""
    response = await reader.get(url)
    assert response.status_code == 200, response.text
    etag: str = response.headers["etag"]
    return etag


async def create_published_post(author: httpx.AsyncClient, **fields: str) -> Json:
    """Create and publish a post by the client's user and return it."""
    draft = await create_draft(author, **fields)
    response = await author.post(f"{POSTS}/{draft['id']}/publish")
    assert response.status_code == 200, response.text
    post: Json = response.json()
    return post
