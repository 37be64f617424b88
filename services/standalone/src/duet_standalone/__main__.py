"""`duet-standalone`: start PostgreSQL, migrate both databases, and serve both services."""

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from contextlib import ExitStack, suppress

import uvloop
from pydantic import SecretStr, ValidationError

from duet_auth.keys.encryption import WrongKeyEncryptionKey
from duet_auth.main import create_app as create_auth
from duet_auth.settings import AuthSettings
from duet_common.observability.logging import configure_logging
from duet_common.paths import JWKS_PATH
from duet_content.main import create_app as create_content
from duet_content.settings import ContentSettings
from duet_standalone.data_folder import DataFolder
from duet_standalone.databases import prepare_databases
from duet_standalone.errors import StartFailure
from duet_standalone.internal import listen_on_loopback, serving_internal
from duet_standalone.main import StandaloneApp
from duet_standalone.postgres import EmbeddedPostgres
from duet_standalone.server import StandaloneServer
from duet_standalone.settings import StandaloneSettings


def main() -> int:
    """Run until Ctrl-C or SIGTERM. Print one line and return 1 if the server cannot start."""
    # uvicorn raises the signal again after its drain, and PostgreSQL must still be stopped then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with ExitStack() as stack, suppress(KeyboardInterrupt):
            _serve(StandaloneSettings(), stack)
    except StartFailure as failure:
        print(f"duet: {failure}", file=sys.stderr)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        print(f"duet: The setting {name} is invalid: {first['msg']}.", file=sys.stderr)
    else:
        return 0
    return 1


def _serve(settings: StandaloneSettings, stack: ExitStack) -> None:
    listener = stack.enter_context(_listen(settings.host, settings.port))
    internal = stack.enter_context(listen_on_loopback())
    folder = stack.enter_context(DataFolder(settings.data_dir))
    own_server = settings.database_url is not None
    if settings.database_url is not None:
        server_url = settings.database_url.get_secret_value()
    else:
        server_url = stack.enter_context(EmbeddedPostgres(folder.path)).url()
    urls = asyncio.run(prepare_databases(server_url, own_roles=not own_server))
    key = folder.key_encryption_key()
    # `duet-auth` in another terminal reads this file.
    folder.write_secret("auth.env", f"AUTH_DATABASE_URL={urls.auth}\nKEY_ENCRYPTION_KEY={key}")
    origin = f"http://{settings.host}:{settings.port}"
    auth = AuthSettings(
        AUTH_DATABASE_URL=SecretStr(urls.auth),
        key_encryption_key=SecretStr(key),
        events_token=SecretStr(secrets.token_urlsafe()),
    )
    content = ContentSettings(
        CONTENT_DATABASE_URL=SecretStr(urls.content),
        jwks_url=f"{origin}{JWKS_PATH}",
    )
    configure_logging(
        auth.log_level, auth.log_format if "log_format" in auth.model_fields_set else "text"
    )
    for name in ("uvicorn", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    standalone = StandaloneApp(create_auth(auth), create_content(content), auth.allowed_origins)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(standalone, listener, internal, origin))
    except WrongKeyEncryptionKey as error:
        raise StartFailure(str(error)) from None


def _listen(host: str, port: int) -> socket.socket:
    """Bind the port before anything else starts. Raises `StartFailure` if it cannot be used."""
    try:
        # It listens already: content's first request for auth's keys waits until the server runs.
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise StartFailure(
            f"Port {port} on {host} cannot be used ({reason}). Set PORT to another port."
        ) from None


async def _run(
    standalone: StandaloneApp, listener: socket.socket, internal: socket.socket, origin: str
) -> None:
    def announce() -> None:
        print(f"Duet is ready at {origin} - open {origin}/docs", flush=True)

    async with standalone.running(), serving_internal(standalone.auth, internal):
        await StandaloneServer(standalone, announce).serve(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
