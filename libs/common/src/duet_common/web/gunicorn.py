"""Configuration file of gunicorn, for several worker processes on one machine without Kubernetes.

    gunicorn --config python:duet_common.web.gunicorn 'duet_content.main:create_app()'

Each worker is like the process of a pod: it has its own connection pools, limits and channels, and
drains when gunicorn stops it. `/metrics` adds up the counts of all workers, which they share
through files in a temporary folder (prometheus_client's multiprocess mode).
"""

import os
import shutil
import tempfile
from typing import Final

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from pydantic import Field, PositiveInt

from duet_common.observability.logging import configure_logging
from duet_common.settings import ServeSettings, ServiceSettings

_COUNTS: Final = "PROMETHEUS_MULTIPROC_DIR"


class GunicornSettings(ServeSettings):
    """Settings of gunicorn, in addition to those of a worker."""

    web_concurrency: PositiveInt | None = Field(
        None, description="number of worker processes; defaults to the number of CPU cores"
    )


_settings = GunicornSettings()

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
workers = _settings.web_concurrency or os.cpu_count() or 1
worker_class = "duet_common.web.gunicorn_worker.DrainingWorker"
graceful_timeout = _settings.drain_seconds + 5  # the drain, then the end of the lifespan
control_socket_disable = True  # it is not used, and the root file system may be read-only


def on_starting(arbiter: Arbiter) -> None:
    """Set up metrics and logging before a worker starts.

    prometheus_client reads the variable when it is first imported.
    """
    os.environ[_COUNTS] = tempfile.mkdtemp(prefix="duet-metrics-")
    settings = ServiceSettings()
    configure_logging(settings.log_level, settings.log_format)


def child_exit(arbiter: Arbiter, worker: Worker) -> None:
    """Remove the gauges of a worker that has ended; its counters are kept."""
    # Not imported at the top: see `on_starting`.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # untyped in the client


def on_exit(arbiter: Arbiter) -> None:
    shutil.rmtree(os.environ[_COUNTS], ignore_errors=True)
