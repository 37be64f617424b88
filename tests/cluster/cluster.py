"""A kind cluster with Duet, managed with the same programs that a user has."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import httpx

from scripts.version import current

T = TypeVar("T")
ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "deploy/helm/duet"
HELM_3: Final = ROOT / ".tools/helm3/helm"
NAME: Final = "duet-e2e"
NODE_IMAGE: Final = "kindest/node:v1.35.4"
ORIGIN: Final = "http://127.0.0.1:8080"
GATEWAY: Final = "http://127.0.0.1:8081"
POD_NETWORK: Final = "10.244.0.0/16"  # kind's
SERVICES: Final = ("auth", "content")
VERSION: Final = current()
BASE_IMAGE: Final = "python:3.14-slim"
THIRD_PARTY_IMAGES: Final = (
    "postgres:18", "traefik:v3.6", "prom/prometheus:v3.5.3", "otel/opentelemetry-collector:0.165.0",
)  # fmt: skip
NAMESPACE: Final = "duet"
RELEASE: Final = "duet"
_MANIFESTS: Final = Path(__file__).parent / "manifests"
_RESTRICTED: Final = "pod-security.kubernetes.io/enforce"


class CommandFailed(Exception):
    """A program failed. The message contains its exit code and its output."""


def run(
    *command: str,
    seconds: float = 300,
    stdin: str = "",
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return its standard output. Raises `CommandFailed` if it fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, input=stdin,
        capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    if done.returncode:
        output = f"{done.stdout}\n{done.stderr}".strip()
        raise CommandFailed(f"{' '.join(command)}: exit code {done.returncode}\n{output}")
    return done.stdout


def missing_programs() -> list[str]:
    """Return the programs that the suite needs and this machine does not have."""
    missing = [p for p in ("docker", "kind", "kubectl", "helm") if shutil.which(p) is None]
    if "docker" not in missing:
        info = subprocess.run(["docker", "info"], capture_output=True, check=False)  # noqa: S607
        if info.returncode:
            missing.append("docker (it is installed, but its daemon does not respond)")
    return missing


def eventually(what: str, attempt: Callable[[], T], seconds: float) -> T:
    """Poll until `attempt` returns a truthy value, and return that value.

    This is only for conditions that cannot be awaited. Raises AssertionError after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        result = attempt()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(
                f"timed out after {seconds:.0f} s waiting for {what}; last result: {result!r}"
            )
        time.sleep(0.2)


def wait_until_served(url: str) -> None:
    """Wait for status 200. The ingress controller learns of new pods and routes with a delay."""

    def is_served() -> bool:
        return httpx.get(url, timeout=5).status_code == 200

    eventually(f"status 200 from {url}", is_served, 30)


class Cluster:
    """The cluster of this suite. Methods use the namespace `duet` unless another one is given."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def kubectl(self, *arguments: str, namespace: str = NAMESPACE, seconds: float = 300) -> str:
        return run(
            "kubectl", f"--kubeconfig={self.kubeconfig}", f"--namespace={namespace}", *arguments,
            seconds=seconds,
        )  # fmt: skip

    def helm(
        self,
        *arguments: str,
        namespace: str = NAMESPACE,
        seconds: float = 400,
        program: str = "helm",
    ) -> str:
        return run(
            program, f"--kubeconfig={self.kubeconfig}", f"--namespace={namespace}", *arguments,
            seconds=seconds,
        )  # fmt: skip

    def get(self, *arguments: str, namespace: str = NAMESPACE) -> Any:
        return json.loads(self.kubectl("get", *arguments, "--output=json", namespace=namespace))

    def upgrade(self, *values: str, rollback: bool = False) -> str:
        """Run `helm upgrade` with these values in addition to the current ones."""
        changes = [f"--set={value}" for value in values]
        return self.helm(
            "upgrade", RELEASE, str(CHART), "--reset-then-reuse-values", *changes,
            "--wait", "--timeout=5m", *(["--rollback-on-failure"] if rollback else []),
        )  # fmt: skip

    def revision(self) -> int:
        """Return the number of the release's latest revision."""
        history = json.loads(self.helm("history", RELEASE, "--output=json"))
        return max(int(entry["revision"]) for entry in history)

    def pods(self, component: str, *, namespace: str = NAMESPACE) -> list[str]:
        """Return the names of a component's pods, without those that are terminating."""
        found = self.get("pods", f"-l=app.kubernetes.io/component={component}", namespace=namespace)
        return [
            pod["metadata"]["name"]
            for pod in found["items"]
            if "deletionTimestamp" not in pod["metadata"]
        ]

    def image(self, pod: str) -> str:
        image: str = self.get("pod", pod)["spec"]["containers"][0]["image"]
        return image

    def python(self, pod: str, program: str, *, namespace: str = NAMESPACE) -> str:
        """Run a Python program in a pod and return its output."""
        return self.kubectl("exec", pod, "--", "python", "-c", program, namespace=namespace)

    def apply(self, manifest: str, *, namespace: str = NAMESPACE) -> None:
        """Apply a manifest server-side, because some CRDs are too large for an annotation."""
        run(
            "kubectl", f"--kubeconfig={self.kubeconfig}", f"--namespace={namespace}", "apply",
            "--server-side", "--filename=-", stdin=manifest,
        )  # fmt: skip

    def make_namespace(self, name: str) -> None:
        """Create a namespace that enforces the restricted Pod Security Standard."""
        metadata = {"name": name, "labels": {_RESTRICTED: "restricted"}}
        self.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))

    def query(self, path: str, **parameters: str) -> Any:
        """Query the API of Prometheus through the API server, and return the response's `data`."""
        service = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1"
        url = f"{service}/{path}?{urlencode(parameters)}"
        return json.loads(self.kubectl("get", f"--raw={url}"))["data"]

    def keep_logs(self, folder: Path) -> None:
        """Write events, descriptions and the logs of every pod to a folder, after a failure."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, arguments in {
            "pods.txt": ["get", "pods,jobs,pvc", "-A", "-o", "wide"],
            "events.txt": ["get", "events", "-A", "--sort-by=.lastTimestamp"],
            "describe.txt": ["describe", "pods,jobs"],
        }.items():
            (folder / name).write_text(self._output("kubectl", *arguments))
        for pod in json.loads(self._output("kubectl", "get", "pods", "-A", "-o", "json"))["items"]:
            name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
            for suffix, more in {"": [], "-previous": ["--previous"]}.items():
                logs = self._output(
                    "kubectl", "logs", name, f"-n={namespace}", "--tail=2000", *more
                )
                if logs:
                    (folder / f"{namespace}-{name}{suffix}.log").write_text(logs)

    def _output(self, program: str, *arguments: str) -> str:
        """Return a program's standard output, even if it fails."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        namespaced = arguments if "-A" in arguments else (f"-n={NAMESPACE}", *arguments)
        done = subprocess.run(
            [program, *namespaced],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.stdout


def clusters() -> list[str]:
    return run("kind", "get", "clusters").split()


def make_cluster(kubeconfig: Path) -> Cluster:
    """Create the cluster unless it exists, and prepare it for Duet.

    It gets the images of this source tree, an ingress controller that also implements the Gateway
    API, Prometheus, and a collector of traces.
    """
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(_start, kubeconfig)
        images = _build()
        starting.result()
    load(*images, *THIRD_PARTY_IMAGES)
    cluster = Cluster(kubeconfig)
    cluster.make_namespace(NAMESPACE)
    _install_infrastructure(cluster)
    return cluster


def _start(kubeconfig: Path) -> None:
    if NAME in clusters():
        run("kind", "export", "kubeconfig", "--name", NAME, "--kubeconfig", str(kubeconfig))
    else:
        config = "--config=deploy/kind/cluster.yaml"
        run("kind", "create", "cluster", f"--name={NAME}", f"--image={NODE_IMAGE}", config,
            "--wait=120s", f"--kubeconfig={kubeconfig}")  # fmt: skip


def _build() -> list[str]:
    """Build this source tree's images and return their names. Pull missing third-party images."""
    images = [f"duet-{service}:{VERSION}" for service in SERVICES]
    for service, image in zip(SERVICES, images, strict=True):
        run("docker", "build", "-q", "-f", f"services/{service}/Dockerfile", "-t", image,
            f"--build-arg=VERSION={VERSION}", ".", seconds=600)  # fmt: skip
    # A build does not keep its base image, but a test compares the sizes of both.
    for image in (BASE_IMAGE, *THIRD_PARTY_IMAGES):
        if not run("docker", "images", "-q", image).strip():
            run("docker", "pull", "-q", image)
    return images


def load(*images: str) -> None:
    """Load images of this machine into the cluster's node."""
    run("kind", "load", "docker-image", "--name", NAME, *images)


def _install_infrastructure(cluster: Cluster) -> None:
    """Install the CRDs, Traefik, Prometheus and the collector, and wait for them."""
    cluster.apply((_MANIFESTS / "crds.yaml").read_text())
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    cluster.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring}")
    files = [f"--from-file={ROOT}/deploy/observability/{name}.yaml" for name in
             ("alerts", "alerts_test")]  # fmt: skip
    rules = cluster.kubectl(
        "create",
        "configmap",
        "rules",
        *files,
        "--dry-run=client",
        "--output=yaml",
        namespace="monitoring",
    )
    cluster.apply(rules, namespace="monitoring")
    for namespace in ("traefik", "monitoring"):
        manifests = (_MANIFESTS / f"{namespace}.yaml").read_text().replace("$VERSION", VERSION)
        cluster.apply(manifests, namespace=namespace)
        # On a cluster that was kept, the pods still run with the previous configuration.
        cluster.kubectl("delete", "pods", "--all", namespace=namespace)
    for namespace in ("traefik", "monitoring"):
        cluster.kubectl(
            "wait", "--for=condition=Available", "deployment", "--all", "--timeout=120s",
            namespace=namespace,
        )  # fmt: skip


def delete_cluster() -> None:
    run("kind", "delete", "cluster", "--name", NAME)
