"""What every error answer must be: a problem detail (RFC 9457) that tells nothing it should not."""

import httpx


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """The problem, after checking its status, code, form and headers."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem: dict[str, object] = response.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"] == f"urn:duet:problem:{code}"
    assert problem["instance"] == f"urn:duet:request:{response.headers['x-request-id']}"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in response.text
    if status == 401:
        assert response.headers["www-authenticate"].startswith('Bearer realm="duet"')
    return problem
