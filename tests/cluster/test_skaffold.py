"""Tests of `skaffold dev`, `run` and `verify`, on a copy of the source tree."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.cluster.cluster import HELM_3, ROOT, Cluster, CommandFailed, eventually, run
from tests.cluster.conftest import RecordFigure
from tests.support.required_programs import require_program, skip_or_fail_in_ci

_NAMESPACE: Final = "skaffold"
_CONTENT: Final = "http://127.0.0.1:8002"
_ENDPOINT: Final = "services/content/src/duet_content/posts/endpoints.py"
_LINE: Final = "    author_id = _author_id(author, principal)\n    if status is"
_CHANGED: Final = f'    response.headers["X-Changed"] = "yes"\n{_LINE}'
_MAX_SECONDS: Final = 10


class Skaffold:
    """The program `skaffold`, run in a copy of the source tree."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self._program = require_program("skaffold")
        try:
            self.run("delete", "--dry-run")
        except CommandFailed as error:
            if "determine binary version" not in str(error):
                raise
            skip_or_fail_in_ci(
                "skaffold does not support this helm; `make helm3` builds one that it supports"
            )

    def run(self, *arguments: str) -> str:
        return run(self._program, *arguments, folder=self.folder, environment=self._environment)

    @contextmanager
    def dev(self) -> Iterator[None]:
        """Run `skaffold dev`, which installs Duet and forwards its ports until the block ends."""
        # Outside the folder, because skaffold waits until no file in it changes.
        log = self.folder.with_suffix(".log")
        with log.open("w") as file, subprocess.Popen(
            [self._program, "dev"], cwd=self.folder, env=self._environment, stdout=file,
            stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            try:
                eventually(
                    "skaffold to watch the files",
                    lambda: "Watching for changes" in log.read_text(),
                    240,
                )
                eventually("a ready pod", _is_ready, 30)
                yield
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(60)
                print(log.read_text())  # noqa: T201 - pytest shows it when the test fails


def _is_ready() -> bool:
    response = _get("/readyz")
    return response is not None and response.status_code == 200


def _is_changed() -> bool:
    response = _get("/api/v1/posts")
    return response is not None and "x-changed" in response.headers


def _get(path: str) -> httpx.Response | None:
    """Return the response, or None while the process is not running."""
    try:
        return httpx.get(f"{_CONTENT}{path}")
    except httpx.TransportError:
        return None


@pytest.fixture(scope="module")
def skaffold(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Skaffold]:
    """Skaffold in its own namespace, without an Ingress: the suite's release has the same paths."""
    folder = tmp_path_factory.mktemp("skaffold") / "duet"
    _copy_tree(folder)
    for name in ("skaffold.yaml", "deploy/skaffold/smoke.yaml"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("namespace: duet", f"namespace: {_NAMESPACE}"))
    for profile in ("dev", "e2e"):
        with (folder / f"deploy/skaffold/{profile}.yaml").open("a") as values:
            values.write("ingress: {enabled: false}\n")
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    if HELM_3.exists():
        environment["PATH"] = f"{HELM_3.parent}:{environment['PATH']}"
    yield Skaffold(folder, environment)
    cluster.kubectl("delete", "namespace", _NAMESPACE, "--ignore-not-found", "--wait=false")


def _copy_tree(target: Path) -> None:
    """Copy all files that git tracks or would add, with their uncommitted changes."""
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


def test_a_changed_source_line_takes_effect_without_a_rebuild(
    skaffold: Skaffold, cluster: Cluster, record_figure: RecordFigure
) -> None:
    source = skaffold.folder / _ENDPOINT
    text = source.read_text()
    assert text.count(_LINE) == 1
    with skaffold.dev():
        before = _containers(cluster)
        assert "x-changed" not in httpx.get(f"{_CONTENT}/api/v1/posts").headers
        source.write_text(text.replace(_LINE, _CHANGED))
        start = time.monotonic()
        eventually("a response from the changed line", _is_changed, _MAX_SECONDS)
        seconds = time.monotonic() - start
        assert _containers(cluster) == before
    source.write_text(text)
    assert not cluster.get("deployments", namespace=_NAMESPACE)["items"], (
        "Ctrl-C must uninstall the release"
    )
    record_figure(f"{seconds:.1f} s from the change to its effect")


def _containers(cluster: Cluster) -> set[str]:
    """Return the id of every container. The id changes when a container is restarted."""
    return {
        status["containerID"]
        for pod in cluster.get("pods", namespace=_NAMESPACE)["items"]
        for status in pod["status"]["containerStatuses"]
    }


def test_run_and_verify_pass_the_smoke_test(
    skaffold: Skaffold, record_figure: RecordFigure
) -> None:
    built = str(skaffold.folder / "built.json")
    start = time.monotonic()
    skaffold.run("run", "--profile=e2e")
    skaffold.run("build", "--profile=e2e", f"--file-output={built}")
    output = skaffold.run("verify", "--profile=e2e", f"--build-artifacts={built}")
    assert "WS /ws/helm-test: message received" in output
    assert "DELETE /users/me: 204" in output
    skaffold.run("delete", "--profile=e2e")
    record_figure(f"run and verify: {time.monotonic() - start:.0f} s")
