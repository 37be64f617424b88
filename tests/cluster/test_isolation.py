"""Tests that pods have no secrets, connections or privileges that they do not need."""

import json
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import NAMESPACE, VERSION, Cluster, CommandFailed
from tests.cluster.conftest import RecordFigure

# Exits with 0 and prints the result for each address, so that a crash of the program is not
# mistaken for a refused connection.
_CONNECT_TO_ADDRESSES = """
import socket
from concurrent.futures import ThreadPoolExecutor
def connect(address):
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
        return f"{{address}} open"
    except OSError as error:
        return f"{{address}} closed: {{type(error).__name__}}"
with ThreadPoolExecutor() as pool:
    print(*pool.map(connect, {addresses!r}), sep="\\n")
"""
_CONNECT_TO_DATABASES = """
import asyncio, os, asyncpg
async def main():
    url = os.environ["CONTENT_DATABASE_URL"]
    for database in ("duet_content", "duet_auth", "postgres", "template1"):
        try:
            connection = await asyncpg.connect(url.rsplit("/", 1)[0] + "/" + database, timeout=10)
            print(database, "opened")
            await connection.close()
        except asyncpg.PostgresError as error:
            print(database, "refused:", error)
asyncio.run(main())
"""
_ADDRESSES = ("duet-postgres.duet:5432", "duet-auth.duet:8000", "duet-content.duet:8000")
_UNRELATED_POD = {
    "automountServiceAccountToken": False,
    "terminationGracePeriodSeconds": 0,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "containers": [
        {
            "name": "unrelated",
            "image": f"duet-content:{VERSION}",
            "imagePullPolicy": "Never",
            "command": ["python", "-c", "import signal; signal.pause()"],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
}


@pytest.fixture(params=["elsewhere", NAMESPACE, "traefik"])
def unrelated_pod(request: pytest.FixtureRequest, duet: Cluster) -> Iterator[tuple[Cluster, str]]:
    """A pod that does not belong to Duet, in its namespace or in another one."""
    namespace = request.param
    if namespace == "elsewhere":
        duet.make_namespace(namespace)
    overrides = json.dumps({"apiVersion": "v1", "spec": _UNRELATED_POD})
    duet.kubectl(
        "run", "unrelated", f"--image=duet-content:{VERSION}", f"--overrides={overrides}",
        namespace=namespace,
    )  # fmt: skip
    try:
        duet.kubectl("wait", "--for=condition=Ready", "pod/unrelated", namespace=namespace)
        yield duet, namespace
    finally:
        duet.kubectl("delete", "pod", "unrelated", namespace=namespace)


def _connection_results(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Return "open" or "closed" for each address."""
    program = _CONNECT_TO_ADDRESSES.format(addresses=_ADDRESSES)
    output = cluster.python("unrelated", program, namespace=namespace)
    return {line.split()[0]: line.split()[1].strip(":") for line in output.splitlines()}


def test_an_unrelated_pod_cannot_connect_to_duet(
    unrelated_pod: tuple[Cluster, str], record_figure: RecordFigure
) -> None:
    """The services accept connections from the ingress controller's namespace.

    This shows that the other connections are refused by the policies, and do not fail otherwise.
    """
    cluster, namespace = unrelated_pod
    found = _connection_results(cluster, namespace)
    postgres, *services = (found[address] for address in _ADDRESSES)
    assert postgres == "closed"
    assert set(services) == ({"open"} if namespace == "traefik" else {"closed"}), found
    record_figure(f"{found}")


def test_content_cannot_connect_to_the_database_of_auth(
    duet: Cluster, record_figure: RecordFigure
) -> None:
    output = duet.python(duet.pods("content")[0], _CONNECT_TO_DATABASES)
    outcome = dict(line.split(" ", 1) for line in output.splitlines())
    assert outcome.pop("duet_content") == "opened"
    assert set(outcome) == {"duet_auth", "postgres", "template1"}
    assert all(result.startswith("refused") for result in outcome.values()), outcome
    record_figure(outcome["duet_auth"])


def test_content_pods_have_no_secret_of_auth(duet: Cluster) -> None:
    """Neither the pod's specification nor the environment and files of its process contain one."""
    pod = duet.get("pod", duet.pods("content")[0])
    spec = json.dumps(pod["spec"])
    assert "duet-content-database" in spec
    assert "duet-auth-database" not in spec
    assert "duet-auth-keys" not in spec
    secrets = duet.get("secrets", "-l=app.kubernetes.io/instance=duet")["items"]
    found = {secret["metadata"]["name"] for secret in secrets}
    assert found == {"duet-auth-database", "duet-auth-keys", "duet-content-database",
                     "duet-postgres"}  # fmt: skip
    environment = duet.python(
        pod["metadata"]["name"], "import json, os; print(json.dumps(dict(os.environ)))"
    )
    variables = json.loads(environment)
    assert "CONTENT_DATABASE_URL" in variables
    assert not {name for name in variables if name.startswith(("AUTH_", "KEY_"))}
    with pytest.raises(CommandFailed, match=r"No such file|serviceaccount"):
        duet.kubectl("exec", pod["metadata"]["name"], "--", "ls", "/var/run/secrets/kubernetes.io/")


def test_no_pod_has_a_service_account_token_or_may_escalate_privileges(duet: Cluster) -> None:
    for pod in duet.get("pods")["items"]:
        spec = pod["spec"]
        if "unrelated" in pod["metadata"]["name"] or pod["status"]["phase"] != "Running":
            continue
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"], container["name"]
            assert context["allowPrivilegeEscalation"] is False
