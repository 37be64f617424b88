"""gunicorn's worker that serves and drains as a pod's process does."""

import asyncio
import signal
import sys

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from duet_common.web.runtime import Service
from duet_common.web.server import DrainingServer, ServeSettings


class DrainingWorker(UvicornWorker):
    """uvicorn's worker with our server; gunicorn owns the socket, the signals and the heartbeat."""

    async def _serve(self) -> None:
        app: object = self.wsgi  # gunicorn's name for whatever it was told to serve
        if not isinstance(app, Service):
            raise TypeError(f"{app!r} is not a Service")
        server = DrainingServer(app, ServeSettings())
        server.config.timeout_notify = self.timeout
        server.config.callback_notify = self.callback_notify
        # gunicorn's Ctrl-C, to which uvicorn's worker does not listen: it would be killed.
        quitting = signal.SIGQUIT
        asyncio.get_running_loop().add_signal_handler(quitting, server.handle_exit, quitting, None)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
