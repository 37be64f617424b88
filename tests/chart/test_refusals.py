"""Tests that invalid values are refused before anything is applied, with a helpful message."""

import pytest

from tests.chart.rendering import ALONE, Values, merged, refusal


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"auht": {}}, "additional properties 'auht' not allowed"),
        ({"auth": {"repicas": 2}}, "additional properties 'repicas' not allowed"),
        ({"auth": {"database": {"poolsize": 2}}}, "additional properties 'poolsize' not allowed"),
        ({"global": {"duet": {"tracin": {}}}}, "additional properties 'tracin' not allowed"),
        ({"ingress": {"hosts": []}}, "additional properties 'hosts' not allowed"),
        ({"postgres": {"storage": {"sise": "1Gi"}}}, "additional properties 'sise' not allowed"),
        ({"auth": {"duet-lib": {"a": 1}}}, "additional properties 'a' not allowed"),
        ({"auth": {"replicas": "two"}}, "got string, want integer"),
        ({"auth": {"replicas": -1}}, "minimum: got -1, want 0"),
        ({"auth": {"image": {"pullPolicy": "Sometimes"}}}, "must be one of"),
        ({"global": {"duet": {"logLevel": "info"}}}, "must be one of"),
        ({"global": {"duet": {"trustedProxies": ["10.0.0.1"]}}}, "does not match pattern"),
        ({"global": {"duet": {"tracing": {"endpoint": "collector"}}}}, "does not match pattern"),
        ({"global": {"duet": {"tracing": {"sampleRatio": 2}}}}, "maximum: got 2, want 1"),
        ({"global": {"duet": {"allowedOrigins": ["app"]}}}, "does not match pattern"),
        ({"global": {"duet": {"allowedOrigins": ["https://*.a.com"]}}}, "does not match pattern"),
        ({"global": {"duet": {"allowedOrigins": ["https://a.com/b"]}}}, "does not match pattern"),
        ({"content": {"webSocket": {}}}, "additional properties 'webSocket' not allowed"),
        ({"auth": {"extraEnv": [{"value": "x"}]}}, "missing property 'name'"),
    ],
)
def test_the_schema_refuses_invalid_values(values: Values, message: str) -> None:
    assert message in refusal(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"auth": {"shutdown": {"gracePeriodSeconds": 25}}},
            "gracePeriodSeconds (25) must be greater than preStopSeconds + drainSeconds (5 + 20)",
        ),
        (
            {"auth": {"autoscaling": {"enabled": True, "minReplicas": 3, "maxReplicas": 2}}},
            "duet-auth: autoscaling.minReplicas (3) must be at most autoscaling.maxReplicas (2)",
        ),
        (
            {"content": {"migrations": {"activeDeadlineSeconds": 300}}},
            "duet-content: migrations.activeDeadlineSeconds (300) must be greater than",
        ),
        (
            {"auth": {"database": {"tls": {"caSecret": "ca", "mode": "require"}}}},
            'duet-auth: database.tls.caSecret is set, but database.tls.mode "require" does not',
        ),
        (
            {"auth": {"database": {"host": "db"}}},
            "duet-auth: database.host is set, so database.existingSecret must name a Secret",
        ),
        (
            {"global": {"duet": {"createSecrets": False}}},
            "set database.existingSecret to a Secret that holds the database's URL",
        ),
        (
            {
                "global": {"duet": {"createSecrets": False}},
                "auth": {"database": {"existingSecret": "a"}},
                "content": {"database": {"existingSecret": "c"}},
                "postgres": {"existingSecret": "p"},
            },
            "duet-auth: set keyEncryption.existingSecret to a Secret that holds 32 random bytes",
        ),
        (
            {
                "global": {"duet": {"createSecrets": False}},
                "auth": ALONE["duet-auth"],
                "content": ALONE["duet-content"],
            },
            "duet: global.duet.createSecrets is false, so postgres.existingSecret must name a",
        ),
        (
            {"global": {"duet": {"postgres": {"enabled": False}}}},
            "global.duet.postgres.enabled is false, so there is no database: set",
        ),
        (
            {
                "auth": {"database": {"host": "db", "existingSecret": "a"}},
                "content": {"database": {"host": "db", "existingSecret": "c"}},
            },
            "so neither uses the chart's own PostgreSQL",
        ),
        (
            {"httpRoute": {"enabled": True}},
            "duet: httpRoute.enabled is true: set httpRoute.parentRefs",
        ),
    ],
)
def test_the_chart_refuses_inconsistent_values(values: Values, message: str) -> None:
    assert message in refusal(values)


@pytest.mark.parametrize("chart", ["duet-auth", "duet-content"])
def test_a_service_chart_alone_requires_a_database_secret(chart: str) -> None:
    assert f"{chart}: set database.existingSecret" in refusal({}, chart)


def test_auth_alone_requires_a_key_encryption_secret() -> None:
    values = {"database": {"existingSecret": "a"}}
    assert "duet-auth: set keyEncryption.existingSecret" in refusal(values, "duet-auth")


def test_a_service_chart_alone_counts_its_connections() -> None:
    values = merged(ALONE["duet-auth"], {"replicas": 5})
    assert "the services may open 120 database connections" in refusal(values, "duet-auth")


def test_a_release_name_of_more_than_36_characters_is_refused() -> None:
    assert "has more than 36 characters" in refusal({}, release="d" * 37)
