"""Tests of the migration Jobs: when they run, and how they are named."""

import re

import pytest

from tests.chart.rendering import ALONE, render

_SERVICES = pytest.mark.parametrize("service", ["auth", "content"])


@_SERVICES
def test_an_installation_migrates_with_a_plain_job(service: str) -> None:
    job = render().job(f"duet-{service}-migrate-")
    assert "annotations" not in job["metadata"]
    assert re.fullmatch(rf"duet-{service}-migrate-[0-9a-f]{{8}}", job["metadata"]["name"])
    pod = render().pod(f"Job/duet-{service}-migrate-")
    assert pod.container["args"] == ["migrate", "--wait", "300"]
    assert pod.spec["restartPolicy"] == "Never"
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (3, 900)


@_SERVICES
def test_an_upgrade_migrates_with_a_hook_before_the_pods_are_replaced(service: str) -> None:
    manifests = render(upgrade=True)
    job = manifests.one("Job", f"duet-{service}-migrate-upgrade")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    assert job["spec"]["ttlSecondsAfterFinished"] == 86400
    pod = manifests.pod(f"Job/duet-{service}-migrate-upgrade")
    assert pod.container["args"] == ["migrate", "--wait", "300", "--skip-unknown-host"]


@_SERVICES
def test_an_upgrade_keeps_the_plain_job_unchanged(service: str) -> None:
    """An unchanged Job does not run again. It is there for a database that the upgrade creates."""
    before, after = render(), render(upgrade=True)
    plain = before.job(f"duet-{service}-migrate-")["metadata"]["name"]
    assert plain in after.names("Job")
    assert after.one("Job", plain) == before.one("Job", plain)


def test_the_hook_runs_after_its_network_policy_and_the_secrets_job() -> None:
    manifests = render(upgrade=True)
    policy = manifests.one("NetworkPolicy", "duet-auth-migrate-upgrade")
    migration = manifests.one("Job", "duet-auth-migrate-upgrade")
    secrets = manifests.job("duet-secrets-")
    weights = [
        int(item["metadata"]["annotations"]["helm.sh/hook-weight"])
        for item in (policy, secrets, migration)
    ]
    assert weights == sorted(set(weights))


def test_the_hook_uses_no_service_account_of_the_release() -> None:
    spec = render(upgrade=True).pod("Job/duet-auth-migrate-upgrade").spec
    assert "serviceAccountName" not in spec


def test_a_rollback_runs_no_hook() -> None:
    for upgrade in (False, True):
        assert "rollback" not in render(upgrade=upgrade).text


def test_the_name_of_the_job_changes_only_with_its_pod_template() -> None:
    def name(**auth: object) -> str:
        job = render({"auth": auth}).job("duet-auth-migrate-")
        return str(job["metadata"]["name"])

    assert name() == name(replicas=2)
    assert name() != name(image={"tag": "0.2.0"})
    assert name() != name(extraEnv=[{"name": "A", "value": "b"}])


@pytest.mark.parametrize("upgrade", [False, True])
def test_migrations_can_be_disabled(upgrade: bool) -> None:
    manifests = render({"auth": {"migrations": {"enabled": False}}}, upgrade=upgrade)
    assert not [n for n in manifests.names("Job") if n.startswith("duet-auth-migrate")]
    assert not [n for n in manifests.names("NetworkPolicy") if n.startswith("duet-auth-migrate")]


def test_a_service_chart_alone_has_both_migration_jobs() -> None:
    manifests = render(ALONE["duet-auth"], "duet-auth", upgrade=True)
    plain = render(ALONE["duet-auth"], "duet-auth").job("duet-auth-migrate-")["metadata"]["name"]
    assert manifests.names("Job") == {plain, "duet-auth-migrate-upgrade"}


def test_a_migration_sends_no_traces() -> None:
    values = {"global": {"duet": {"tracing": {"endpoint": "http://collector:4318"}}}}
    environment = render(values).pod("Job/duet-auth-migrate-").environment
    assert not [name for name in environment if name.startswith("OTEL_")]
