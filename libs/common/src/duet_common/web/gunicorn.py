"""gunicorn for several cores on one machine, where no Kubernetes makes more pods: its config file.

    gunicorn --config python:duet_common.web.gunicorn 'duet_content.main:create_app()'

Each worker is what a pod's process is: it has pools, limits and channels of its own, and drains
when gunicorn tells it to end. What `/metrics` counts is the sum over all workers, by way of files
in a folder of this run's own (prometheus_client's multiprocess mode).
"""

import os
import shutil
import tempfile
from typing import Final

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from pydantic import Field, PositiveInt

from duet_common.observability.logging import configure_logging
from duet_common.settings import ServiceSettings
from duet_common.web.server import ServeSettings

_COUNTS: Final = "PROMETHEUS_MULTIPROC_DIR"


class GunicornSettings(ServeSettings):
    """What gunicorn reads, beside what a worker does."""

    web_concurrency: PositiveInt | None = Field(None, description="processes; one a core when none")


_settings = GunicornSettings()

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
workers = _settings.web_concurrency or os.cpu_count() or 1
worker_class = "duet_common.web.gunicorn_worker.DrainingWorker"
graceful_timeout = _settings.drain_seconds + 5  # the drain, then the lifespan's end
control_socket_disable = True  # nobody reads it, and the root may be read-only


def on_starting(arbiter: Arbiter) -> None:
    """Before any worker: prometheus_client chooses where it counts when it is first imported."""
    os.environ[_COUNTS] = tempfile.mkdtemp(prefix="duet-metrics-")
    settings = ServiceSettings()
    configure_logging(settings.log_level, settings.log_format)


def child_exit(arbiter: Arbiter, worker: Worker) -> None:
    """A worker that has ended holds no connection any more; what it counted stays."""
    # Here, and not above: see `on_starting`.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # untyped in the client


def on_exit(arbiter: Arbiter) -> None:
    shutil.rmtree(os.environ[_COUNTS], ignore_errors=True)
