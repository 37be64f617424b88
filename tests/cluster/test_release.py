"""Tests of upgrades, invalid values, failed installations and `helm uninstall`."""

import shutil
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cluster.cluster import CHART, HELM_3, RELEASE, SERVICES, Cluster, CommandFailed
from tests.cluster.conftest import RecordFigure
from tests.support.required_programs import skip_or_fail_in_ci
from tests.support.users import RegisteredUser

_SECOND = "second"
_SECRETS = {f"{_SECOND}-{name}" for name in
            ("auth-database", "auth-keys", "content-database", "postgres")}  # fmt: skip


def _secrets(cluster: Cluster, release: str, namespace: str) -> dict[str, Any]:
    """Return the data of each Secret of a release by its name."""
    label = f"-l=app.kubernetes.io/instance={release}"
    found = cluster.get("secrets", label, namespace=namespace)["items"]
    return {secret["metadata"]["name"]: secret["data"] for secret in found}


async def test_an_upgrade_keeps_secrets_users_and_tokens(
    duet: Cluster,
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    record_figure: RecordFigure,
) -> None:
    before = _secrets(duet, RELEASE, "duet")
    pods = duet.pods("auth")
    start = time.monotonic()
    level = "DEBUG" if "DEBUG" not in duet.helm("get", "values", RELEASE) else "INFO"
    duet.upgrade(f"global.duet.logLevel={level}")
    seconds = time.monotonic() - start
    assert before["duet-auth-keys"]["keyEncryptionKey"]
    assert _secrets(duet, RELEASE, "duet") == before
    assert not set(duet.pods("auth")) & set(pods), "a changed value must replace the pods"
    me = await client.get("/api/v1/users/me", headers=registered_user.headers)
    assert me.status_code == 200, "a token from before the upgrade must stay valid"
    assert not duet.get("jobs", "-l=app.kubernetes.io/component=auth-migrate-upgrade")["items"]
    record_figure(f"helm upgrade --wait: {seconds:.0f} s")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("content.replicas=-1", "minimum"),
        ("content.replica=2", "additional properties 'replica' not allowed"),
        ("global.duet.logLevel=LOUD", "must be one of"),
        ("global.duet.postgres.enabled=false", "set database.existingSecret to a Secret"),
        ("content.replicas=20", "PostgreSQL allows 190"),
        ("content.shutdown.gracePeriodSeconds=10", "otherwise pods are killed while they drain"),
        ("content.database.host=db.example.com", "database.existingSecret must name a Secret"),
    ],
)
def test_an_upgrade_with_invalid_values_changes_nothing(
    duet: Cluster, value: str, message: str
) -> None:
    """Helm refuses the values before it applies anything, so the release has no new revision."""
    revision = duet.helm("history", RELEASE, "--output=json")
    with pytest.raises(CommandFailed) as refused:
        duet.upgrade(value)
    assert message in str(refused.value)
    assert duet.helm("history", RELEASE, "--output=json") == revision


@pytest.fixture
def second(duet: Cluster) -> Iterator[Cluster]:
    """The cluster with a second namespace, for releases that a test installs and uninstalls."""
    duet.make_namespace(_SECOND)
    yield duet
    # Forced, so that nothing waits until the pods have drained.
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
def test_a_failed_installation_is_uninstalled_automatically(
    second: Cluster, program: str, flag: str, record_figure: RecordFigure
) -> None:
    if shutil.which(program) is None:
        skip_or_fail_in_ci("Helm 3 is not installed; `make helm3` builds it")
    start = time.monotonic()
    with pytest.raises(CommandFailed, match="has been uninstalled"):
        _install(second, flag, "--timeout=15s", "--set=content.image.tag=missing", program=program)
    assert not second.helm("list", "--short", namespace=_SECOND).strip()
    assert not second.get("deployments,statefulsets,jobs", namespace=_SECOND)["items"]
    record_figure(f"{time.monotonic() - start:.0f} s")


def test_an_upgrade_repairs_a_failed_installation(
    second: Cluster, record_figure: RecordFigure
) -> None:
    """The image of the secrets Job is missing, so at the upgrade there is no database yet."""
    with pytest.raises(CommandFailed):
        _install(second, "--timeout=10s", "--set=auth.image.tag=missing")
    assert not second.get("statefulsets", namespace=_SECOND)["items"]
    start = time.monotonic()
    second.helm(
        "upgrade", _SECOND, str(CHART), "--set=ingress.enabled=false", "--wait", "--timeout=3m",
        namespace=_SECOND,
    )  # fmt: skip
    record_figure(f"repaired in {time.monotonic() - start:.0f} s")


def _uninstall(cluster: Cluster) -> None:
    cluster.helm("uninstall", _SECOND, "--wait", namespace=_SECOND)
    cluster.kubectl("wait", "--for=delete", "pods", "--all", "--timeout=90s", namespace=_SECOND)


def test_uninstall_keeps_only_the_secrets_and_the_volume(
    second: Cluster, record_figure: RecordFigure
) -> None:
    """A new installation with the same name uses them again.

    The first installation uses Helm 3 if it is installed, and the second uses Helm 4.
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
    output = second.helm("test", _SECOND, namespace=_SECOND)
    assert "Succeeded" in output
    _uninstall(second)
    label = f"app.kubernetes.io/name=duet,app.kubernetes.io/instance={_SECOND}"
    second.kubectl("delete", "secret,pvc", f"-l={label}", namespace=_SECOND)
    remaining = {line for line in _everything(second) if "kube-root-ca.crt" not in line}
    assert remaining == {"serviceaccount/default"}
    record_figure(f"kept: {', '.join(sorted(left))}")


def test_a_template_pipeline_creates_the_secrets_only_once(
    second: Cluster, record_figure: RecordFigure
) -> None:
    """Run `helm template | kubectl apply` twice. In such a pipeline, hooks are ordinary objects."""
    rendered = second.helm(
        "template", _SECOND, str(CHART), "--set=ingress.enabled=false", "--skip-tests",
        namespace=_SECOND,
    )  # fmt: skip
    start = time.monotonic()
    second.apply(rendered, namespace=_SECOND)
    for service in SERVICES:
        second.kubectl(
            "rollout", "status", f"deployment/{_SECOND}-{service}", "--timeout=120s",
            namespace=_SECOND,
        )  # fmt: skip
    seconds = time.monotonic() - start
    secrets = _secrets(second, _SECOND, _SECOND)
    assert set(secrets) == _SECRETS
    pods = [pod for service in SERVICES for pod in second.pods(service, namespace=_SECOND)]

    second.apply(rendered, namespace=_SECOND)

    assert _secrets(second, _SECOND, _SECOND) == secrets
    assert pods == [pod for name in SERVICES for pod in second.pods(name, namespace=_SECOND)]
    record_figure(f"ready in {seconds:.0f} s")


def _everything(cluster: Cluster) -> list[str]:
    """Return every object in the namespace except events, endpoints, leases and pod metrics."""
    ignored = ("events", "endpoints", "endpointslices", "leases", "pods.metrics")
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name")
    wanted = [kind for kind in kinds.split() if not kind.startswith(ignored)]
    listed = cluster.kubectl("get", ",".join(wanted), "--output=name", namespace=_SECOND)
    return listed.split()
