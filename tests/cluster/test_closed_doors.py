"""What pods must not have, and whom they must not reach."""

import json
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import NAMESPACE, VERSION, Cluster, CommandFailed
from tests.cluster.conftest import Say

# Exits with 0 however it goes, and prints what happened: a refusal must not pass for an error.
_KNOCK = """
import socket
from concurrent.futures import ThreadPoolExecutor
def knock(door):
    host, port = door.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
        return f"{{door}} open"
    except OSError as error:
        return f"{{door}} closed: {{type(error).__name__}}"
with ThreadPoolExecutor() as pool:
    print(*pool.map(knock, {doors!r}), sep="\\n")
"""
_CONNECT = """
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
_DOORS = ("duet-postgres.duet:5432", "duet-auth.duet:8000", "duet-content.duet:8000")
_STRANGER = {
    "automountServiceAccountToken": False,
    "terminationGracePeriodSeconds": 0,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "containers": [
        {
            "name": "stranger",
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
def stranger(request: pytest.FixtureRequest, duet: Cluster) -> Iterator[tuple[Cluster, str]]:
    """A pod that is no part of Duet, in its namespace or in another."""
    namespace = request.param
    if namespace == "elsewhere":
        duet.make_namespace(namespace)
    overrides = json.dumps({"apiVersion": "v1", "spec": _STRANGER})
    duet.kubectl(
        "run", "stranger", f"--image=duet-content:{VERSION}", f"--overrides={overrides}",
        namespace=namespace,
    )  # fmt: skip
    try:
        duet.kubectl("wait", "--for=condition=Ready", "pod/stranger", namespace=namespace)
        yield duet, namespace
    finally:
        duet.kubectl("delete", "pod", "stranger", namespace=namespace)


def _knock(cluster: Cluster, namespace: str) -> dict[str, str]:
    said = cluster.python("stranger", _KNOCK.format(doors=_DOORS), namespace=namespace)
    return {line.split()[0]: line.split()[1].strip(":") for line in said.splitlines()}


def test_a_stranger_reaches_nothing(stranger: tuple[Cluster, str], say: Say) -> None:
    """From the ingress controller's namespace the services are open: so the others' are refused."""
    cluster, namespace = stranger
    found = _knock(cluster, namespace)
    postgres, *services = (found[door] for door in _DOORS)
    assert postgres == "closed"
    assert set(services) == ({"open"} if namespace == "traefik" else {"closed"}), found
    say(f"{found}")


def test_content_cannot_connect_to_auths_database(duet: Cluster, say: Say) -> None:
    said = duet.python(duet.pods("content")[0], _CONNECT)
    outcome = dict(line.split(" ", 1) for line in said.splitlines())
    assert outcome.pop("duet_content") == "opened"
    assert set(outcome) == {"duet_auth", "postgres", "template1"}
    assert all(how.startswith("refused") for how in outcome.values()), outcome
    say(outcome["duet_auth"])


def test_contents_pods_have_no_secret_of_auths(duet: Cluster) -> None:
    """By their specification, and by what their process has in its environment and files."""
    pod = duet.get("pod", duet.pods("content")[0])
    named = json.dumps(pod["spec"])
    assert "duet-content-database" in named
    assert "duet-auth-database" not in named
    assert "duet-auth-keys" not in named
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


def test_no_pod_has_a_token_or_may_become_more(duet: Cluster) -> None:
    for pod in duet.get("pods")["items"]:
        spec = pod["spec"]
        if "stranger" in pod["metadata"]["name"] or pod["status"]["phase"] != "Running":
            continue
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"], container["name"]
            assert context["allowPrivilegeEscalation"] is False
