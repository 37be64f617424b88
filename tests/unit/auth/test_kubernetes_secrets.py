"""Missing Secrets are created once, and an existing Secret is never changed."""

import base64
import json

import httpx
import pytest
from pydantic import ValidationError

from duet_auth.kubernetes_secrets import SecretsFailure, SecretsSpec, make_secrets

SPEC = {
    "labels": {"app.kubernetes.io/name": "duet"},
    "secrets": [
        {
            "name": "duet-auth-database",
            "data": {
                "password": {"generate": "password"},
                "url": {"template": "postgresql://duet_auth:{password}@db:5432/duet_auth"},
            },
        },
        {"name": "duet-auth-keys", "data": {"keyEncryptionKey": {"generate": "base64-32"}}},
    ],
}


class ApiServer:
    """A fake Kubernetes API with the two operations that the Job's role allows."""

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, str]] = {}
        self.labels: dict[str, str] = {}
        # What a concurrent Job stores just before this one does.
        self.other_jobs_data: dict[str, str] | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            name = request.url.path.rsplit("/", 1)[-1]
            if name not in self.secrets:
                return httpx.Response(404)
            return httpx.Response(200, json={"data": self.secrets[name]})
        assert request.method == "POST"
        body = json.loads(request.content)
        name = body["metadata"]["name"]
        if self.other_jobs_data is not None:
            self.secrets[name] = self.other_jobs_data
            return httpx.Response(409)
        self.secrets[name] = body["stringData"]
        self.labels = body["metadata"]["labels"]
        return httpx.Response(201, json=body)


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def client(server: ApiServer) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(server), base_url="https://api/secrets")


def spec() -> SecretsSpec:
    return SecretsSpec.model_validate(SPEC)


def test_missing_secrets_are_created(server: ApiServer, client: httpx.Client) -> None:
    assert make_secrets(spec(), client) == ["duet-auth-database", "duet-auth-keys"]

    database = server.secrets["duet-auth-database"]
    assert len(database["password"]) >= 32
    assert database["password"].isalnum()
    assert database["url"] == f"postgresql://duet_auth:{database['password']}@db:5432/duet_auth"
    key = server.secrets["duet-auth-keys"]["keyEncryptionKey"]
    assert len(base64.b64decode(key, validate=True)) == 32
    assert server.labels == {"app.kubernetes.io/name": "duet"}


def test_existing_secrets_are_not_changed(server: ApiServer, client: httpx.Client) -> None:
    make_secrets(spec(), client)
    before = {name: dict(data) for name, data in server.secrets.items()}

    assert make_secrets(spec(), client) == []
    assert server.secrets == before


def test_an_existing_secret_without_an_expected_key_is_an_error(
    server: ApiServer, client: httpx.Client
) -> None:
    server.secrets["duet-auth-database"] = {"password": "c2VjcmV0"}

    with pytest.raises(SecretsFailure, match="duet-auth-database has no url") as failure:
        make_secrets(spec(), client)
    assert "c2VjcmV0" not in str(failure.value)


def test_a_secret_that_another_job_creates_first_is_kept(
    server: ApiServer, client: httpx.Client
) -> None:
    server.other_jobs_data = {"password": "eA==", "url": "eA==", "keyEncryptionKey": "eA=="}

    assert make_secrets(spec(), client) == []


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_names_the_secret(status: int) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status))
    with (
        httpx.Client(transport=transport, base_url="https://api/secrets") as client,
        pytest.raises(SecretsFailure, match=f"duet-auth-database: status {status}"),
    ):
        make_secrets(spec(), client)


def test_a_failed_connection_names_the_secret_and_the_cause() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with (
        httpx.Client(transport=httpx.MockTransport(refuse), base_url="https://api") as client,
        pytest.raises(SecretsFailure, match="duet-auth-database: ConnectError: refused"),
    ):
        make_secrets(spec(), client)


@pytest.mark.parametrize(
    "secret",
    [
        {"name": "x", "data": {"url": {"template": "{password}"}}},
        {"name": "x", "data": {"a": {"generate": "uuid"}}},
        {"name": "x", "data": {"a": {"generate": "password", "length": 8}}},
        {"name": "x", "data": {}},
        {"name": "../x", "data": {"a": {"generate": "password"}}},
        {"name": "x", "data": {"a": {"template": "{b}"}, "b": {"template": "b"}}},
    ],
)
def test_an_invalid_spec_is_refused(secret: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SecretsSpec.model_validate({"secrets": [secret]})
