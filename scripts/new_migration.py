"""Write a service's next migration from the difference between its models and its history.

`make migration SERVICE=content MESSAGE="add comments"` runs this. The difference is taken on an
embedded PostgreSQL in a temporary folder, so no database has to be running or up to date.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.operations import MigrationScript
from alembic.script import Script

from duet_auth.migrations import MIGRATIONS as AUTH
from duet_common.db.migrations import Migrations
from duet_content.migrations import MIGRATIONS as CONTENT
from duet_standalone.errors import StartFailure
from duet_standalone.postgres import EmbeddedPostgres

_ROOT: Final = Path(__file__).parents[1]
_SERVICES: Final = {migrations.service: migrations for migrations in (AUTH, CONTENT)}
# The message becomes a docstring and a file name.
_MESSAGE: Final = re.compile(r"[a-z0-9][a-z0-9 ,:.()'/_-]{0,79}", re.IGNORECASE)
_EXAMPLE: Final = 'Example: make migration SERVICE=content MESSAGE="add comments"'
_NEXT: Final = """\
Next: read the file, and correct what Alembic cannot detect: a rename is written as a drop and an
add, which loses data, and changed check constraints and moved data are missing. The released code
must work on the new schema. Then run `make check` and `make test`."""


def main(service: str, message: str) -> int:
    """Return the exit status: 0 if a file was written, otherwise 1."""
    migrations = _SERVICES.get(service)
    if migrations is None:
        return _refuse(
            f"SERVICE must be one of {', '.join(_SERVICES)}, not {service!r}. {_EXAMPLE}"
        )
    if not _MESSAGE.fullmatch(message.strip()):
        return _refuse(
            "MESSAGE must say what the migration does, in at most 80 letters, digits, spaces and "
            f"the signs , : . ( ) ' / _ -, not {message!r}. {_EXAMPLE}"
        )
    try:
        with (
            tempfile.TemporaryDirectory(prefix="duet-migration-") as folder,
            EmbeddedPostgres(Path(folder), durable=False) as postgres,
        ):
            path = asyncio.run(_write(migrations, postgres.url(), message.strip()))
    except StartFailure as failure:
        return _refuse(str(failure))
    if path is None:
        return _refuse(
            f"The models of {service} equal the schema that its migrations make, so no file was "
            "written. Change a model first."
        )
    _format(path)
    print(f"Wrote {os.path.relpath(path)}\n{_NEXT}")
    return 0


async def _write(migrations: Migrations, url: str, message: str) -> Path | None:
    """Return the new file, or None if there is no difference."""
    await migrations.upgrade(url)
    numbers = (int(revision.rpartition("_")[2]) for revision in migrations.revisions())
    revision = f"{migrations.service}_{max(numbers, default=0) + 1:04}"

    def write(config: Config) -> Path | None:
        config.cmd_opts = Namespace(quiet=True)  # `main` says what was written
        script = command.revision(
            config,
            message,
            autogenerate=True,
            rev_id=revision,
            process_revision_directives=lambda _, __, scripts: _drop_empty(scripts),
        )
        return Path(script.path) if isinstance(script, Script) else None

    return await migrations.run_command(url, write)


def _drop_empty(scripts: list[MigrationScript]) -> None:
    scripts[:] = [s for s in scripts if s.upgrade_ops and not s.upgrade_ops.is_empty()]


def _format(path: Path) -> None:
    """Remove Alembic's comments and unused imports, and format the rest as `make check` wants."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    own = (line for line in lines if not line.lstrip().startswith("# ### "))
    path.write_text("".join(own), encoding="utf-8")
    configuration = f"--config={_ROOT / 'pyproject.toml'}"
    for arguments in (("check", "--fix-only"), ("format",)):
        subprocess.run(  # noqa: S603 - this environment's ruff, on the file that we wrote
            [sys.executable, "-m", "ruff", *arguments, "--quiet", configuration, path], check=True
        )


def _refuse(reason: str) -> int:
    print(f"make migration: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
