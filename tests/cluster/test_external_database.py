"""Tests of Duet on external databases.

auth uses verified TLS and a Secret in the format of CloudNativePG. content uses PgBouncer in
transaction mode.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import trustme

from tests.cluster.cluster import CHART, Cluster, load, run
from tests.cluster.conftest import RecordFigure

_NAMESPACE: Final = "external"
_HOST: Final = "pg-rw.external"
_MANIFESTS: Final = Path(__file__).parent / "manifests"
_POOLER: Final = "duet-e2e-pgbouncer:latest"
_VALUES: Final = {
    "global": {"duet": {"postgres": {"enabled": False}}},
    "ingress": {"enabled": False},
    "auth": {
        "database": {
            "existingSecret": "auth-pg-app",
            "urlKey": "uri",
            "tls": {"mode": "verify-full", "caSecret": "pg-ca"},
        }
    },
    "content": {
        "database": {
            "existingSecret": "content-pooler",
            "urlKey": "uri",
            "port": 6432,
            "pooler": True,
        }
    },
}
_CHECK_TLS: Final = """
import asyncio, os, asyncpg, certifi
async def main():
    url = os.environ["AUTH_DATABASE_URL"]
    connection = await asyncpg.connect(url)
    query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    print(await connection.fetchval(query))
    insecure = {"PGSSLROOTCERT": certifi.where(), "PGSSLMODE": "disable"}
    for name, value in insecure.items():
        kept = os.environ[name]
        os.environ[name] = value
        try:
            await asyncpg.connect(url)
            print("connected")
        except (OSError, asyncpg.PostgresError) as error:
            print(type(error).__name__)
        os.environ[name] = kept
asyncio.run(main())
"""

_LIST_BACKENDS: Final = """
import asyncio, os, asyncpg
async def main():
    url = os.environ["CONTENT_DATABASE_URL"]
    connections = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(6)]
    async def one(connection):
        async with connection.transaction():
            return await connection.fetchval("SELECT pg_backend_pid()")
    print(*set(await asyncio.gather(*map(one, connections))))
asyncio.run(main())
"""


def _secrets() -> list[dict[str, object]]:
    """Return Secrets with a new CA, and with a server certificate that it signed."""
    authority = trustme.CA()
    server = authority.issue_cert(_HOST)
    (certificate,) = server.cert_chain_pems
    contents = {
        "pg-ca": {"ca.crt": authority.cert_pem},
        "pg-tls": {"tls.crt": certificate, "tls.key": server.private_key_pem},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "stringData": {key: blob.bytes().decode() for key, blob in blobs.items()},
        }
        for name, blobs in contents.items()
    ]


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, with a PostgreSQL server and PgBouncer that no chart installed."""
    dockerfile = (_MANIFESTS / "pgbouncer.Dockerfile").read_text()
    run("docker", "build", "-q", "-t", _POOLER, "-", stdin=dockerfile)
    load(_POOLER)
    cluster.make_namespace(_NAMESPACE)
    try:
        for secret in _secrets():
            cluster.apply(json.dumps(secret), namespace=_NAMESPACE)
        cluster.apply((_MANIFESTS / "external.yaml").read_text(), namespace=_NAMESPACE)
        cluster.kubectl(
            "wait", "--for=condition=Ready", "pod/pg", "pod/pooler", "--timeout=90s",
            namespace=_NAMESPACE,
        )  # fmt: skip
        yield cluster
    finally:
        cluster.kubectl("delete", "namespace", _NAMESPACE, "--wait=false")


def test_duet_works_with_verified_tls_and_through_a_pooler(
    database: Cluster, record_figure: RecordFigure, tmp_path: Path
) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps(_VALUES))
    start = time.monotonic()
    database.helm(
        "install", _NAMESPACE, str(CHART), f"--values={values}", "--rollback-on-failure",
        "--wait", "--timeout=5m", namespace=_NAMESPACE,
    )  # fmt: skip
    seconds = time.monotonic() - start
    assert "Succeeded" in database.helm("test", _NAMESPACE, namespace=_NAMESPACE)
    (content,) = database.pods("content", namespace=_NAMESPACE)
    backends = database.python(content, _LIST_BACKENDS, namespace=_NAMESPACE).split()
    assert 1 <= len(backends) <= 2, "six clients must share two connections to the server"
    (pod,) = database.pods("auth", namespace=_NAMESPACE)
    protocol, wrong_authority, no_tls = database.python(
        pod, _CHECK_TLS, namespace=_NAMESPACE
    ).split()
    assert protocol == "TLSv1.3"
    assert wrong_authority == "SSLCertVerificationError"
    assert no_tls == "InvalidAuthorizationSpecificationError"
    created = database.get("secrets", "-l=app.kubernetes.io/part-of=duet", namespace=_NAMESPACE)
    assert [secret["metadata"]["name"] for secret in created["items"]] == ["external-auth-keys"]
    database.helm("uninstall", _NAMESPACE, "--wait", namespace=_NAMESPACE)
    record_figure(
        f"installed in {seconds:.0f} s, {protocol}; {len(backends)} connections behind PgBouncer"
    )
