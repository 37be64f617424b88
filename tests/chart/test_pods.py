"""Tests of the pods: security, rollout, shutdown, probes, environment and images."""

import pytest

from scripts.version import current
from tests.chart import rendering
from tests.chart.rendering import ALONE, EVERYTHING, EXTERNAL, Pod, Values, merged, render

_CASES = [
    pytest.param(chart, values, upgrade, id=f"{chart}-{name}{'-upgrade' * upgrade}")
    for chart, name, values in [
        ("duet", "defaults", {}),
        ("duet", "everything", EVERYTHING),
        ("duet", "external", EXTERNAL),
        ("duet-auth", "alone", ALONE["duet-auth"]),
        ("duet-content", "alone", ALONE["duet-content"]),
    ]
    for upgrade in (False, True)
]


@pytest.mark.parametrize(("chart", "values", "upgrade"), _CASES)
def test_every_pod_meets_the_restricted_pod_security_standard(
    chart: str, values: Values, upgrade: bool
) -> None:
    pods = list(render(values, chart, upgrade=upgrade).pods())
    assert pods
    for pod in pods:
        _assert_restricted(pod)


def _assert_restricted(pod: Pod) -> None:
    spec = pod.spec
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == security["runAsGroup"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    volumes = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
    assert volumes <= {"configMap", "emptyDir", "projected", "secret"}
    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container.get("ports", []))
        assert {"requests", "limits"} <= container["resources"].keys()


def test_only_the_value_makes_a_root_filesystem_writable() -> None:
    manifests = render({"auth": {"readOnlyRootFilesystem": False}})
    read_only = {
        pod.owner: pod.container["securityContext"]["readOnlyRootFilesystem"]
        for pod in manifests.pods()
    }
    writable = {owner for owner, value in read_only.items() if not value}
    assert writable
    assert all("duet-auth" in owner for owner in writable), writable


@pytest.mark.parametrize(("chart", "values", "upgrade"), _CASES)
def test_only_the_secrets_job_has_a_service_account_token(
    chart: str, values: Values, upgrade: bool
) -> None:
    manifests = render(values, chart, upgrade=upgrade)
    for pod in manifests.pods():
        makes_secrets = pod.labels["app.kubernetes.io/component"] == "secrets"
        assert pod.spec["automountServiceAccountToken"] is makes_secrets
    assert all(not a["automountServiceAccountToken"] for a in manifests.all("ServiceAccount"))


@pytest.mark.parametrize("service", ["auth", "content"])
def test_a_rolling_update_adds_a_pod_before_it_removes_one(service: str) -> None:
    spec = render().one("Deployment", f"duet-{service}")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert spec["replicas"] == 1


@pytest.mark.parametrize("service", ["auth", "content"])
def test_a_terminating_pod_sleeps_and_then_drains(service: str) -> None:
    pod = render(
        {service: {"shutdown": {"preStopSeconds": 8, "drainSeconds": 30, "gracePeriodSeconds": 50}}}
    ).pod(f"Deployment/duet-{service}")
    assert pod.container["lifecycle"] == {"preStop": {"sleep": {"seconds": 8}}}
    assert pod.environment["DRAIN_SECONDS"] == "30"
    assert pod.spec["terminationGracePeriodSeconds"] == 50


def test_startup_and_liveness_use_livez_and_readiness_uses_readyz() -> None:
    container = render().pod("Deployment/duet-auth").container
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": "/livez",
        "livenessProbe": "/livez",
        "readinessProbe": "/readyz",
    }


def test_auth_has_exactly_these_environment_variables_by_default() -> None:
    assert render().pod("Deployment/duet-auth").environment == {
        "HOST": "0.0.0.0",  # noqa: S104
        "PORT": "8000",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
        "TOKEN_ISSUER": "https://duet.local",
        "TOKEN_AUDIENCE": "duet",
        "RATE_LIMIT_ENABLED": "true",
        "DRAIN_SECONDS": "20",
        "AUTH_DATABASE_URL": "secret:duet-auth-database/url",
        "DATABASE_POOL_SIZE": "5",
        "DATABASE_MAX_OVERFLOW": "10",
        "DATABASE_READ_POOL_SIZE": "5",
        "KEY_ENCRYPTION_KEY": "secret:duet-auth-keys/keyEncryptionKey",
        "SIGNING_ALGORITHM": "ES256",
        "ACCESS_TOKEN_MINUTES": "10",
    }


def test_content_has_the_jwks_url_and_no_secret_of_auth() -> None:
    environment = render().pod("Deployment/duet-content").environment
    assert environment["JWKS_URL"] == "http://duet-auth:8000/.well-known/jwks.json"
    secrets = {value for value in environment.values() if value.startswith("secret:")}
    assert secrets == {"secret:duet-content-database/url"}


def test_content_mounts_no_secret_of_auth() -> None:
    for upgrade in (False, True):
        for pod in render(upgrade=upgrade).pods():
            if pod.labels["app.kubernetes.io/component"].startswith("content"):
                assert "duet-auth" not in str(pod.spec["volumes"])
                assert "keyEncryptionKey" not in str(pod.spec)


def test_content_alone_uses_the_configured_jwks_url() -> None:
    url = "https://id.example.com/.well-known/jwks.json"
    values = merged(ALONE["duet-content"], {"jwks": {"url": url}})
    pod = render(values, "duet-content", release="c").pod("Deployment/c-content")
    assert pod.environment["JWKS_URL"] == url


def test_pod_settings_reach_the_pods() -> None:
    manifests = render(EVERYTHING)
    auth = manifests.pod("Deployment/duet-auth")
    assert auth.environment["TRUSTED_PROXIES"] == "10.244.0.0/16,fd00::/8"
    assert auth.environment["HASH_THREADS"] == "4"
    assert auth.annotations["example.com/a"] == "b"
    assert auth.labels["team"] == "identity"
    assert auth.spec["nodeSelector"] == {"disk": "ssd"}
    assert auth.spec["priorityClassName"] == "high"
    assert auth.spec["imagePullSecrets"] == [{"name": "registry"}]
    assert auth.spec["tolerations"]
    assert "affinity" in auth.spec


def test_the_allowed_origins_reach_both_services() -> None:
    manifests = render(EVERYTHING)
    for service in ("auth", "content"):
        environment = manifests.pod(f"Deployment/duet-{service}").environment
        origins = '["https://app.example.com","http://localhost:5173"]'
        assert environment["ALLOWED_ORIGINS"] == origins
        assert "ALLOWED_ORIGINS" not in render().pod(f"Deployment/duet-{service}").environment


def test_images_are_configurable() -> None:
    manifests = render({"content": {"image": {"repository": "r.example.com/c", "tag": "abc"}}})
    images = {pod.owner: pod.container["image"] for pod in manifests.pods()}
    assert images["Deployment/duet-auth"] == f"duet-auth:{current()}"
    assert images["Deployment/duet-content"] == "r.example.com/c:abc"
    assert images["StatefulSet/duet-postgres"] == "postgres:18"
    assert images["Pod/duet-test"] == "r.example.com/c:abc"


def test_selectors_contain_the_instance_and_match_one_component() -> None:
    manifests = render(release="blue")
    for kind, name in (("Deployment", "blue-auth"), ("StatefulSet", "blue-postgres")):
        selector = manifests.one(kind, name)["spec"]["selector"]["matchLabels"]
        assert selector["app.kubernetes.io/instance"] == "blue"
        matching = [pod.owner for pod in manifests.pods() if selector.items() <= pod.labels.items()]
        assert matching == [f"{kind}/{name}"]
        assert manifests.one("Service", name)["spec"]["selector"] == selector


def test_an_existing_service_account_can_be_used() -> None:
    values = {"auth": {"serviceAccount": {"create": False, "name": "mine"}}}
    manifests = render(values)
    assert manifests.pod("Deployment/duet-auth").spec["serviceAccountName"] == "mine"
    assert "duet-auth" not in manifests.names("ServiceAccount")
    none = render({"auth": {"serviceAccount": {"create": False}}})
    assert none.pod("Deployment/duet-auth").spec["serviceAccountName"] == "default"


def test_rendering_is_reproducible() -> None:
    first = render(EVERYTHING).text
    rendering._template.cache_clear()
    assert render(EVERYTHING).text == first
