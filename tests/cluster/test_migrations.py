"""Upgrades of content whose images bring a revision more than this tree has."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from duet_content.migrations import MIGRATIONS
from tests.cluster.cluster import RELEASE, VERSION, Cluster, CommandFailed, load, run
from tests.cluster.conftest import Say
from tests.support.users import RegisteredUser

_REVISION: Final = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("posts", sa.Column("{revision}", sa.Text()))
    {more}


def downgrade() -> None:
    op.drop_column("posts", "{revision}")
"""
_IMAGE: Final = f"""
FROM duet-content:{VERSION}
COPY *.py /app/services/content/migrations/versions/
"""
_LOOK: Final = """
import asyncio, json, os, asyncpg
async def main():
    connection = await asyncpg.connect(os.environ["CONTENT_DATABASE_URL"])
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    columns = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'posts'")
    print(json.dumps([revision, [row[0] for row in columns]]))
asyncio.run(main())
"""
_FAIL: Final = 'op.execute("SELECT 1 / 0")'
_TAGS: Final = {
    "next": {"subtitle": ""},
    "broken": {"subtitle": _FAIL},
    "worse": {"subtitle": "", "motto": _FAIL},
}
"""A tag of content's image → the revisions that it brings, each of which adds a column of its name,
and what they do after it."""


@pytest.fixture(scope="module")
def images(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Content's image with more revisions, under each of `_TAGS`."""
    names = [f"duet-content:{tag}" for tag in _TAGS]
    for name, revisions in zip(names, _TAGS.values(), strict=True):
        folder: Path = tmp_path_factory.mktemp("image")
        before = MIGRATIONS.head
        for revision, more in revisions.items():
            text = _REVISION.format(revision=revision, before=before, more=more)
            (folder / f"{revision}.py").write_text(text)
            before = revision
        (folder / "Dockerfile").write_text(_IMAGE)
        run("docker", "build", "-q", "-t", name, str(folder))
    load(*names)
    yield
    run("docker", "rmi", *names)


def _schema(cluster: Cluster) -> tuple[str, set[str]]:
    """The revision of content's database, and the columns of its posts."""
    revision, columns = json.loads(cluster.python(cluster.pods("content")[0], _LOOK))
    return revision, set(columns)


def _status(cluster: Cluster) -> str:
    status: str = json.loads(cluster.helm("status", RELEASE, "--output=json"))["info"]["status"]
    return status


@pytest.mark.usefixtures("images")
async def test_a_failing_migration_rolls_nothing_and_the_next_upgrade_heals(
    duet: Cluster, client: httpx.AsyncClient, registered_user: RegisteredUser, say: Say
) -> None:
    pods, before = duet.pods("content"), _schema(duet)
    revision = duet.revision()
    began = time.monotonic()
    with pytest.raises(CommandFailed, match="duet-content-migrate-upgrade"):
        duet.upgrade("content.image.tag=broken", "content.migrations.backoffLimit=1")
    failed = time.monotonic() - began

    assert _status(duet) == "failed"
    assert duet.pods("content") == pods
    assert _schema(duet) == before, "the migration is one transaction"
    answer = await client.get("/api/v1/posts", headers=registered_user.headers)
    assert answer.status_code == 200
    said = duet.kubectl("logs", "job/duet-content-migrate-upgrade")
    assert "division by zero" in said
    tries = duet.get("job/duet-content-migrate-upgrade")["status"]["failed"]
    assert tries == 2, "the first, and another"

    draft = await client.post(
        "/api/v1/posts", headers=registered_user.headers, json={"title": "Kept"}
    )
    began = time.monotonic()
    duet.upgrade("content.image.tag=next")
    healed = time.monotonic() - began
    assert _status(duet) == "deployed"
    assert not set(duet.pods("content")) & set(pods)
    assert _schema(duet) == ("subtitle", before[1] | {"subtitle"})

    began = time.monotonic()
    duet.helm("rollback", RELEASE, str(revision), "--wait", "--timeout=5m")
    rolled_back = time.monotonic() - began
    (pod,) = duet.pods("content")
    assert duet.image(pod) == f"duet-content:{VERSION}"
    assert _schema(duet)[0] == "subtitle", "a rollback changes no schema"
    kept = await client.get(draft.headers["location"], headers=registered_user.headers)
    assert kept.status_code == 200
    say(
        f"a failed migration ends the upgrade after {failed:.0f} s; healed in {healed:.0f} s; "
        f"rolled back in {rolled_back:.0f} s"
    )


@pytest.mark.usefixtures("images")
async def test_a_failed_upgrade_can_roll_itself_back(
    duet: Cluster, client: httpx.AsyncClient, say: Say
) -> None:
    pods = duet.pods("content")
    began = time.monotonic()
    with pytest.raises(CommandFailed, match="rolled back"):
        duet.upgrade("content.image.tag=worse", "content.migrations.backoffLimit=0", rollback=True)
    assert _status(duet) == "deployed"
    assert duet.pods("content") == pods
    assert (await client.get("/api/v1/posts")).status_code == 200
    say(f"--rollback-on-failure: {time.monotonic() - began:.0f} s")
