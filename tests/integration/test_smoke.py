import httpx


async def test_road(authenticated_client: httpx.AsyncClient) -> None:
    c = authenticated_client
    r = await c.get("/api/v1/users/me")
    assert r.status_code == 200, r.text
    r = await c.post("/api/v1/posts", json={"title": "x"})
    assert r.status_code == 201, r.text
    print(r.json(), r.headers)
    r = await c.post(r.headers["location"] + "/publish")
    assert r.status_code == 200, r.text
    r = await c.get("/api/v1/posts")
    print(r.json())
    assert r.status_code == 200
    r = await c.get("/api/v1/profiles/me")
    print(r.json())
    assert r.status_code == 200
    r = await c.get("/openapi.json")
    assert r.status_code == 200
    r = await c.get("/api/v1/users/me/sessions")
    print(r.json())
    assert r.status_code == 200
