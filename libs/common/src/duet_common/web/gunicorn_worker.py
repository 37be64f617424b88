"""A gunicorn worker that serves and drains in the same way as the process of a pod."""

import asyncio
import signal
import sys

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from duet_common.settings import ServeSettings
from duet_common.web.server import DrainingServer


class DrainingWorker(UvicornWorker):
    """uvicorn's worker with `DrainingServer`. gunicorn owns the socket, signals and heartbeat."""

    async def _serve(self) -> None:
        # Not imported at the top: gunicorn imports this module before `on_starting` is called.
        from duet_common.web.runtime import Service

        app: object = self.wsgi  # gunicorn's name for the app that it was started with
        if not isinstance(app, Service):
            raise TypeError(f"{app!r} is not a Service")
        server = DrainingServer(app, ServeSettings())
        server.config.timeout_notify = self.timeout
        server.config.callback_notify = self.callback_notify
        # gunicorn sends SIGQUIT on Ctrl-C. uvicorn's worker ignores it, and would be killed.
        quitting = signal.SIGQUIT
        asyncio.get_running_loop().add_signal_handler(quitting, server.handle_exit, quitting, None)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
