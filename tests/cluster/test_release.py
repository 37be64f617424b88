"""Upgrades, wrong values, and what `helm uninstall` leaves."""

import shutil
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cluster.cluster import CHART, HELM_3, RELEASE, SERVICES, Cluster, CommandFailed
from tests.cluster.conftest import Say
from tests.support.required_programs import lacking
from tests.support.users import RegisteredUser

_SECOND = "second"
_SECRETS = {f"{_SECOND}-{name}" for name in
            ("auth-database", "auth-keys", "content-database", "postgres")}  # fmt: skip


def _secrets(cluster: Cluster, release: str, namespace: str) -> dict[str, Any]:
    label = f"-l=app.kubernetes.io/instance={release}"
    found = cluster.get("secrets", label, namespace=namespace)["items"]
    return {secret["metadata"]["name"]: secret["data"] for secret in found}


async def test_an_upgrade_keeps_the_secrets_and_the_users(
    duet: Cluster, client: httpx.AsyncClient, registered_user: RegisteredUser, say: Say
) -> None:
    before = _secrets(duet, RELEASE, "duet")
    pods = duet.pods("auth")
    began = time.monotonic()
    level = "DEBUG" if "DEBUG" not in duet.helm("get", "values", RELEASE) else "INFO"
    duet.upgrade(f"global.duet.logLevel={level}")
    seconds = time.monotonic() - began
    assert before["duet-auth-keys"]["keyEncryptionKey"]
    assert _secrets(duet, RELEASE, "duet") == before
    assert not set(duet.pods("auth")) & set(pods), "the value changed, so the pods must roll"
    me = await client.get("/api/v1/users/me", headers=registered_user.headers)
    assert me.status_code == 200, "a token from before the upgrade is good after it"
    assert not duet.get("jobs", "-l=app.kubernetes.io/component=auth-migrate-upgrade")["items"]
    say(f"helm upgrade --wait: {seconds:.0f} s")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("content.replicas=-1", "minimum"),
        ("content.replica=2", "additional properties 'replica' not allowed"),
        ("global.duet.logLevel=LOUD", "must be one of"),
        ("global.duet.postgres.enabled=false", "set database.existingSecret to a Secret"),
        ("content.replicas=20", "PostgreSQL allows 190"),
        ("content.shutdown.gracePeriodSeconds=10", "would be killed while it drains"),
        ("content.database.host=db.example.com", "database.existingSecret must name a Secret"),
    ],
)
def test_wrong_values_are_refused(duet: Cluster, value: str, sentence: str) -> None:
    """Before anything is applied: the release stays as it is."""
    revision = duet.helm("history", RELEASE, "--output=json")
    with pytest.raises(CommandFailed) as refused:
        duet.upgrade(value)
    assert sentence in str(refused.value)
    assert duet.helm("history", RELEASE, "--output=json") == revision


@pytest.fixture
def second(duet: Cluster) -> Iterator[Cluster]:
    """Another namespace, for a release that may be taken away."""
    duet.make_namespace(_SECOND)
    yield duet
    # Nobody waits for their drain.
    duet.kubectl(
        "delete", "deployments,statefulsets,pods", "--all", "--grace-period=0", "--force",
        namespace=_SECOND,
    )  # fmt: skip
    duet.kubectl("delete", "namespace", _SECOND)


def _install(cluster: Cluster, *arguments: str, program: str = "helm") -> None:
    cluster.helm("install", _SECOND, str(CHART), "--set=ingress.enabled=false", "--wait",
                 *arguments, namespace=_SECOND, program=program)  # fmt: skip


@pytest.mark.parametrize(
    ("program", "flag"),
    [("helm", "--rollback-on-failure"), (str(HELM_3), "--atomic")],
    ids=["Helm 4", "Helm 3"],
)
def test_a_failed_installation_takes_itself_away(
    second: Cluster, program: str, flag: str, say: Say
) -> None:
    if shutil.which(program) is None:
        lacking("there is no Helm 3; `make helm3` builds it")
    began = time.monotonic()
    with pytest.raises(CommandFailed, match="has been uninstalled"):
        _install(second, flag, "--timeout=15s", "--set=content.image.tag=nowhere", program=program)
    assert not second.helm("list", "--short", namespace=_SECOND).strip()
    assert not second.get("deployments,statefulsets,jobs", namespace=_SECOND)["items"]
    say(f"{time.monotonic() - began:.0f} s")


def test_an_upgrade_mends_an_installation_that_failed(second: Cluster, say: Say) -> None:
    """The secrets Job ran in an image that is nowhere: there is no database yet, for the hook."""
    with pytest.raises(CommandFailed):
        _install(second, "--timeout=10s", "--set=auth.image.tag=nowhere")
    assert not second.get("statefulsets", namespace=_SECOND)["items"]
    began = time.monotonic()
    second.helm(
        "upgrade", _SECOND, str(CHART), "--set=ingress.enabled=false", "--wait", "--timeout=3m",
        namespace=_SECOND,
    )  # fmt: skip
    say(f"mended in {time.monotonic() - began:.0f} s")


def _uninstall(cluster: Cluster) -> None:
    cluster.helm("uninstall", _SECOND, "--wait", namespace=_SECOND)
    cluster.kubectl("wait", "--for=delete", "pods", "--all", "--timeout=90s", namespace=_SECOND)


def test_uninstall_leaves_what_it_says(second: Cluster, say: Say) -> None:
    """The Secrets and the volume; an installation of the same name finds its data again.

    The first by Helm 3 where it is, the second by Helm 4.
    """
    helm_3 = shutil.which(HELM_3) or "helm"
    _install(second, "--atomic" if helm_3 != "helm" else "--rollback-on-failure", program=helm_3)
    secrets = _secrets(second, _SECOND, _SECOND)
    assert set(secrets) == _SECRETS
    _uninstall(second)
    left = {line for line in _everything(second) if "kube-root-ca.crt" not in line}
    expected = {f"secret/{name}" for name in _SECRETS}
    assert left == {
        *expected, f"persistentvolumeclaim/data-{_SECOND}-postgres-0", "serviceaccount/default",
    }  # fmt: skip
    cluster_wide = second.kubectl("get", "clusterroles,clusterrolebindings", "--output=name")
    assert "duet" not in cluster_wide
    assert _SECOND not in cluster_wide

    _install(second)
    assert _secrets(second, _SECOND, _SECOND) == secrets
    again = second.helm("test", _SECOND, namespace=_SECOND)
    assert "Succeeded" in again
    _uninstall(second)
    label = f"app.kubernetes.io/name=duet,app.kubernetes.io/instance={_SECOND}"
    second.kubectl("delete", "secret,pvc", f"-l={label}", namespace=_SECOND)
    remaining = {line for line in _everything(second) if "kube-root-ca.crt" not in line}
    assert remaining == {"serviceaccount/default"}
    say(f"left: {', '.join(sorted(left))}")


def test_a_template_pipeline_makes_the_secrets_once(second: Cluster, say: Say) -> None:
    """`helm template | kubectl apply`, twice: hooks are plain objects there."""
    rendered = second.helm(
        "template", _SECOND, str(CHART), "--set=ingress.enabled=false", "--skip-tests",
        namespace=_SECOND,
    )  # fmt: skip
    began = time.monotonic()
    second.apply(rendered, namespace=_SECOND)
    for service in SERVICES:
        second.kubectl(
            "rollout", "status", f"deployment/{_SECOND}-{service}", "--timeout=120s",
            namespace=_SECOND,
        )  # fmt: skip
    seconds = time.monotonic() - began
    secrets = _secrets(second, _SECOND, _SECOND)
    assert set(secrets) == _SECRETS
    pods = [pod for service in SERVICES for pod in second.pods(service, namespace=_SECOND)]

    second.apply(rendered, namespace=_SECOND)

    assert _secrets(second, _SECOND, _SECOND) == secrets
    assert pods == [pod for name in SERVICES for pod in second.pods(name, namespace=_SECOND)]
    say(f"ready in {seconds:.0f} s")


def _everything(cluster: Cluster) -> list[str]:
    """Every object in the namespace but for its events and what mirrors a Service."""
    passing = ("events", "endpoints", "endpointslices", "leases", "pods.metrics")
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name")
    wanted = [kind for kind in kinds.split() if not kind.startswith(passing)]
    listed = cluster.kubectl("get", ",".join(wanted), "--output=name", namespace=_SECOND)
    return listed.split()
