"""`duet-auth migrate` and `duet-content migrate`, as a Job runs them."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from duet_common.ids import new_id
from duet_standalone.databases import DatabaseUrls
from tests.support.programs import free_port, run_to_exit
from tests.support.running_duet import KEY_ENCRYPTION_KEY
from tests.support.temporary_databases import open_database

SERVICES = pytest.mark.parametrize("service", ["auth", "content"])


def _command(service: str, *options: str) -> tuple[str, ...]:
    return (str(Path(sys.executable).with_name(f"duet-{service}")), "migrate", *options)


def _environment(service: str, url: str) -> dict[str, str]:
    return {
        f"{service.upper()}_DATABASE_URL": url,
        "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY,
        "LOG_FORMAT": "text",
    }


@SERVICES
async def test_it_waits_for_a_database_that_is_not_there_yet(
    service: str, postgres_url: str, tmp_path: Path
) -> None:
    name = f"late_{new_id().hex}"
    url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(
        *_command(service, "--wait", "30"),
        cwd=tmp_path,
        env=_environment(service, url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    server = await asyncpg.connect(postgres_url)
    try:
        async with asyncio.timeout(30):
            waiting = await process.stdout.readline()
            assert b"Waiting for the database" in waiting
            await server.execute(f"CREATE DATABASE {name}")
            said, _ = await process.communicate()
        assert process.returncode == 0, said
        assert f"Migrated to {service}_0".encode() in said
        async with open_database(url) as database:
            assert await database.schema_revision()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await server.close()


@SERVICES
async def test_an_unreachable_database_is_reported_after_the_wait(
    service: str, tmp_path: Path
) -> None:
    url = f"postgresql://duet:secret@127.0.0.1:{free_port()}/duet"
    status, said = await run_to_exit(
        _command(service, "--wait", "0.5"), _environment(service, url), tmp_path
    )

    assert status == 1
    assert f"duet-{service}: The database was not available within 0.5 s: " in said
    assert "refused" in said or "Connect" in said
    assert "secret" not in said


@SERVICES
async def test_it_refuses_the_database_of_the_other_service(
    service: str, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    owner, url = {
        "auth": ("content", database_urls.content),
        "content": ("auth", database_urls.auth),
    }[service]
    status, said = await run_to_exit(_command(service), _environment(service, url), tmp_path)

    assert status == 1
    name = make_url(url).database
    assert f"duet-{service}: The database {name} belongs to {owner} " in said
    assert f"Check {service.upper()}_DATABASE_URL" in said
    async with open_database(url) as database:
        assert (await database.schema_revision() or "").startswith(f"{owner}_")
