"""Tests of the chart's own PostgreSQL and of external databases."""

import pytest

from tests.chart.rendering import EXTERNAL, Values, merged, refusal, render


def test_a_role_may_connect_only_to_its_own_database_and_the_superuser_only_from_the_pod() -> None:
    files = render().one("ConfigMap", "duet-postgres")["data"]
    assert files["pg_hba.conf"].splitlines() == [
        "local all postgres peer",
        "host duet_auth duet_auth all scram-sha-256",
        "host duet_content duet_content all scram-sha-256",
    ]
    assert 'REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC' in files["databases.sh"]
    assert "hba_file" in str(render().pod("StatefulSet/duet-postgres").container["args"])


def test_postgres_passwords_are_files_and_not_in_the_environment() -> None:
    environment = render().pod("StatefulSet/duet-postgres").environment
    assert environment["POSTGRES_PASSWORD_FILE"] == "/run/secrets/duet/postgres"
    assert not [value for value in environment.values() if value.startswith("secret:")]


def test_max_connections_and_other_settings_reach_the_server() -> None:
    values = {
        "global": {"duet": {"postgres": {"maxConnections": 300}}},
        "postgres": {"settings": {"shared_buffers": "1GB"}, "storage": {"size": "20Gi"}},
    }
    manifests = render(values)
    arguments = manifests.pod("StatefulSet/duet-postgres").container["args"]
    assert {"-cmax_connections=300", "-cshared_buffers=1GB"} <= set(arguments)
    (claim,) = manifests.one("StatefulSet", "duet-postgres")["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert "storageClassName" not in claim["spec"]


def test_a_changed_configuration_file_restarts_the_server() -> None:
    def checksum(values: Values) -> str:
        return render(values).pod("StatefulSet/duet-postgres").annotations["checksum/config"]

    external_content = {"content": {"database": {"host": "db.example.com", "existingSecret": "c"}}}
    assert checksum({}) == checksum({"auth": {"replicas": 2}})
    assert checksum({}) != checksum(external_content)
    files = render(external_content).one("ConfigMap", "duet-postgres")["data"]
    assert "duet_content" not in str(files)


def test_the_volume_claim_has_no_label_that_changes_between_releases() -> None:
    (claim,) = render().one("StatefulSet", "duet-postgres")["spec"]["volumeClaimTemplates"]
    assert not {"helm.sh/chart", "app.kubernetes.io/version"} & claim["metadata"]["labels"].keys()


def test_services_use_the_secrets_of_cloudnativepg() -> None:
    manifests = render(EXTERNAL)
    assert not manifests.all("StatefulSet")
    assert "duet-postgres" not in manifests.names("NetworkPolicy") | manifests.names("Service")
    for service in ("auth", "content"):
        url = manifests.pod(f"Deployment/duet-{service}").environment[
            f"{service.upper()}_DATABASE_URL"
        ]
        assert url == f"secret:{service}-pg-app/uri"


def test_services_and_migrations_use_an_external_server_with_verified_tls() -> None:
    database = {
        "host": "db.example.com",
        "port": 5433,
        "name": "accounts",
        "user": "svc",
        "existingSecret": "auth-password",
        "passwordKey": "pw",
        "tls": {"mode": "verify-full", "caSecret": "ca", "caKey": "root.pem"},
    }
    manifests = render(merged(EXTERNAL, {"auth": {"database": database}}))
    for owner in ("Deployment/duet-auth", "Job/duet-auth-migrate-"):
        pod = manifests.pod(owner)
        assert pod.environment["DATABASE_PASSWORD"] == "secret:auth-password/pw"
        url = "postgresql://svc:$(DATABASE_PASSWORD)@db.example.com:5433/accounts"
        assert pod.environment["AUTH_DATABASE_URL"] == url
        names = list(pod.environment)
        assert names.index("DATABASE_PASSWORD") < names.index("AUTH_DATABASE_URL")
        assert pod.environment["PGSSLMODE"] == "verify-full"
        assert pod.environment["PGSSLROOTCERT"] == "/etc/duet/database-ca/ca.crt"
        (ca,) = (v["secret"] for v in pod.spec["volumes"] if v["name"] == "database-ca")
        assert ca == {"secretName": "ca", "items": [{"key": "root.pem", "path": "ca.crt"}]}
        mounts = {mount["mountPath"] for mount in pod.container["volumeMounts"]}
        assert "/etc/duet/database-ca" in mounts


def test_a_pooler_is_configured_and_its_connections_are_not_counted() -> None:
    values = {"auth": {"replicas": 50, "database": {"pooler": True}}}
    assert render(values).pod("Deployment/duet-auth").environment["DATABASE_POOLER"] == "true"
    assert "DATABASE_POOLER" not in render().pod("Deployment/duet-auth").environment


@pytest.mark.parametrize(
    "values",
    [
        {"auth": {"replicas": 8}},
        {"auth": {"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 8}}},
        {"content": {"database": {"poolSize": 90}}},
        {"global": {"duet": {"postgres": {"maxConnections": 80}}}},
        {"global": {"duet": {"postgres": {"reservedConnections": 130}}}},
    ],
    ids=["replicas", "autoscaling", "pool", "server", "reserve"],
)
def test_more_connections_than_the_server_allows_are_refused(values: Values) -> None:
    assert "database connections" in refusal(values)


def test_the_error_message_explains_the_count_and_how_to_fix_it() -> None:
    message = refusal({"auth": {"replicas": 6}, "content": {"replicas": 2}})
    assert "the services may open 200 database connections" in message
    assert "auth: 7 pods (one more than its replicas during a rolling update) x 20" in message
    assert "PostgreSQL allows 190" in message
    assert "raise global.duet.postgres.maxConnections" in message


def test_exactly_the_maximum_number_of_connections_is_accepted() -> None:
    fits = {"auth": {"replicas": 5}, "content": {"replicas": 2}}  # 6 x 20 + 3 x 20
    assert render(fits).all("Deployment")
    postgres = {"maxConnections": 180, "reservedConnections": 0}
    assert render(merged(fits, {"global": {"duet": {"postgres": postgres}}})).all("Deployment")
    postgres["maxConnections"] = 179
    assert "allows 179" in refusal(merged(fits, {"global": {"duet": {"postgres": postgres}}}))
