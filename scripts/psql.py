"""`psql` on a database of `make run`: `make psql SERVICE=content`.

It is the program of the embedded PostgreSQL, so none has to be installed.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from sqlalchemy.engine import URL, make_url

from duet_standalone.databases import AUTH, CONTENT
from duet_standalone.postgres import binaries
from duet_standalone.settings import StandaloneSettings

_DATABASES: Final = {"auth": AUTH, "content": CONTENT}


class NotRunning(Exception):
    """The data folder has no URL of `make run`, or its database does not respond."""


def database_url(data: Path, database: str) -> URL:
    """Return the URL of a database of `make run`. Raises `NotRunning`."""
    # `make run` writes this file for `duet-auth`. The environment is not used: it may name another.
    written = dotenv_values(data / "auth.env").get("AUTH_DATABASE_URL")
    if written is None:
        raise NotRunning(f"{data} contains no database of `make run`")
    url = make_url(written)
    # On the embedded server each database belongs to a role of its own name.
    role = database if url.username == url.database else url.username
    return url.set(username=role, database=database)


def main(service: str) -> None:
    """Replace this process by `psql`. Exit with one line if `make run` is not running."""
    if service not in _DATABASES:
        sys.exit(f"psql: SERVICE must be {' or '.join(_DATABASES)}, not {service!r}.")
    try:
        url = database_url(StandaloneSettings().data_dir, _DATABASES[service])
        address = url.set(password=None).render_as_string()
        if subprocess.run([binaries() / "pg_isready", "-q", "-d", address], check=False).returncode:  # noqa: S603 - the wheel's own program
            raise NotRunning("the database of `make run` does not respond")
    except NotRunning as error:
        sys.exit(f"psql: {error}. Start it with `make run` in another terminal.")
    if url.password:
        os.environ["PGPASSWORD"] = url.password  # not an argument: every user can see those
    psql = str(binaries() / "psql")
    os.execv(psql, [psql, address])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1])
