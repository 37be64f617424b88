"""Tests of upgrades to images that have more revisions than this source tree."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from duet_content.migrations import MIGRATIONS
from tests.cluster.cluster import RELEASE, VERSION, Cluster, CommandFailed, load, run
from tests.cluster.conftest import RecordFigure
from tests.support.users import RegisteredUser

_REVISION: Final = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("posts", sa.Column("{column}", sa.Text()))
    {more}


def downgrade() -> None:
    op.drop_column("posts", "{column}")
"""
_IMAGE: Final = f"""
FROM duet-content:{VERSION}
COPY *.py /app/services/content/src/duet_content/migrations/versions/
"""
_READ_SCHEMA: Final = """
import asyncio, json, os, asyncpg
async def main():
    connection = await asyncpg.connect(os.environ["CONTENT_DATABASE_URL"])
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    columns = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'posts'")
    print(json.dumps([revision, [row[0] for row in columns]]))
asyncio.run(main())
"""
_FAILING_STATEMENT: Final = 'op.execute("SELECT 1 / 0")'
_TAGS: Final = {
    "fixed": {"subtitle": ""},
    "broken": {"subtitle": _FAILING_STATEMENT},
    "failing-later": {"subtitle": "", "motto": _FAILING_STATEMENT},
}
"""Tags of content's image, with the columns that the additional revisions of each add.

Each column has a revision, which then runs the given statement.
"""


@pytest.fixture(scope="module")
def images(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Images of content with additional revisions, one for each of `_TAGS`."""
    names = [f"duet-content:{tag}" for tag in _TAGS]
    for name, columns in zip(names, _TAGS.values(), strict=True):
        folder: Path = tmp_path_factory.mktemp("image")
        before = MIGRATIONS.head
        for column, more in columns.items():
            revision = f"content_{column}"
            text = _REVISION.format(revision=revision, before=before, column=column, more=more)
            (folder / f"{revision}.py").write_text(text)
            before = revision
        (folder / "Dockerfile").write_text(_IMAGE)
        run("docker", "build", "-q", "-t", name, str(folder))
    load(*names)
    yield
    run("docker", "rmi", *names)


def _schema(cluster: Cluster) -> tuple[str, set[str]]:
    """Return the revision of content's database, and the columns of its table `posts`."""
    revision, columns = json.loads(cluster.python(cluster.pods("content")[0], _READ_SCHEMA))
    return revision, set(columns)


def _status(cluster: Cluster) -> str:
    status: str = json.loads(cluster.helm("status", RELEASE, "--output=json"))["info"]["status"]
    return status


@pytest.mark.usefixtures("images")
async def test_a_failed_migration_replaces_no_pod_and_the_next_upgrade_succeeds(
    duet: Cluster,
    client: httpx.AsyncClient,
    registered_user: RegisteredUser,
    record_figure: RecordFigure,
) -> None:
    pods, before = duet.pods("content"), _schema(duet)
    revision = duet.revision()
    start = time.monotonic()
    with pytest.raises(CommandFailed, match="duet-content-migrate-upgrade"):
        duet.upgrade("content.image.tag=broken", "content.migrations.backoffLimit=1")
    failed = time.monotonic() - start

    assert _status(duet) == "failed"
    assert duet.pods("content") == pods
    assert _schema(duet) == before, "a failed migration must change nothing"
    response = await client.get("/api/v1/posts", headers=registered_user.headers)
    assert response.status_code == 200
    logs = duet.kubectl("logs", "job/duet-content-migrate-upgrade")
    assert "division by zero" in logs
    attempts = duet.get("job/duet-content-migrate-upgrade")["status"]["failed"]
    assert attempts == 2, "the first attempt and one retry"

    draft = await client.post(
        "/api/v1/posts", headers=registered_user.headers, json={"title": "Kept"}
    )
    start = time.monotonic()
    duet.upgrade("content.image.tag=fixed")
    upgraded = time.monotonic() - start
    assert _status(duet) == "deployed"
    assert not set(duet.pods("content")) & set(pods)
    assert _schema(duet) == ("content_subtitle", before[1] | {"subtitle"})

    start = time.monotonic()
    duet.helm("rollback", RELEASE, str(revision), "--wait", "--timeout=5m")
    rolled_back = time.monotonic() - start
    (pod,) = duet.pods("content")
    assert duet.image(pod) == f"duet-content:{VERSION}"
    assert _schema(duet)[0] == "content_subtitle", "a rollback must not change the schema"
    kept = await client.get(draft.headers["location"], headers=registered_user.headers)
    assert kept.status_code == 200
    record_figure(
        f"the upgrade failed after {failed:.0f} s; the next took {upgraded:.0f} s; "
        f"the rollback took {rolled_back:.0f} s"
    )


@pytest.mark.usefixtures("images")
async def test_a_failed_upgrade_is_rolled_back_automatically(
    duet: Cluster, client: httpx.AsyncClient, record_figure: RecordFigure
) -> None:
    pods = duet.pods("content")
    start = time.monotonic()
    with pytest.raises(CommandFailed, match="rolled back"):
        duet.upgrade(
            "content.image.tag=failing-later", "content.migrations.backoffLimit=0", rollback=True
        )
    assert _status(duet) == "deployed"
    assert duet.pods("content") == pods
    assert (await client.get("/api/v1/posts")).status_code == 200
    record_figure(f"--rollback-on-failure: {time.monotonic() - start:.0f} s")
