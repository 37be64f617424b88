"""Assertions about error responses, which are problem details (RFC 9457)."""

import httpx


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Assert the status, code, members and headers of an error response, and return its body."""
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


def rejected_fields(response: httpx.Response) -> list[tuple[str, str, str]]:
    """Return (`in`, `field`, `code`) of each rejected field of a 422 response.

    Asserts the shape of each item, and that its text is not pydantic's.
    """
    errors = assert_problem(response, 422, "validation_failed")["errors"]
    assert isinstance(errors, list)
    assert errors
    for error in errors:
        assert error.keys() == {"in", "field", "code", "detail", "params"}
        assert error["detail"].startswith(("must ", "is ")), error
        assert isinstance(error["params"], dict)
    return [(error["in"], error["field"], error["code"]) for error in errors]


def rejected_body_fields(response: httpx.Response) -> list[str]:
    """Return the JSON Pointers of a 422 response in which only fields of the body are rejected."""
    rejected = rejected_fields(response)
    assert {location for location, _, _ in rejected} == {"body"}
    return [field for _, field, _ in rejected]
