"""A kind cluster with Duet in it, as a user would install it, by the programs a user has."""

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
OTHERS: Final = (
    "postgres:18", "traefik:v3.6", "prom/prometheus:v3.5.3", "otel/opentelemetry-collector:0.165.0",
)  # fmt: skip
NAMESPACE: Final = "duet"
RELEASE: Final = "duet"
_MANIFESTS: Final = Path(__file__).parent / "manifests"
_RESTRICTED: Final = "pod-security.kubernetes.io/enforce"


class CommandFailed(Exception):
    """A program ended with another code than 0; what it said is the message."""


def run(
    *command: str,
    seconds: float = 300,
    stdin: str = "",
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What a program printed; with what it complained of when it fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, input=stdin,
        capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()
        raise CommandFailed(f"{' '.join(command)}: exit code {done.returncode}\n{said}")
    return done.stdout


def missing_programs() -> list[str]:
    """What this machine lacks for a cluster."""
    missing = [p for p in ("docker", "kind", "kubectl", "helm") if shutil.which(p) is None]
    if "docker" not in missing:
        answers = subprocess.run(["docker", "info"], capture_output=True, check=False)  # noqa: S607
        if answers.returncode:
            missing.append("docker (it is installed, but does not answer)")
    return missing


def eventually(what: str, attempt: Callable[[], T], seconds: float) -> T:
    """The first truthy answer, for conditions that nothing announces."""
    deadline = time.monotonic() + seconds
    while True:
        answer = attempt()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}; last: {answer!r}")
        time.sleep(0.2)


def until_served(url: str) -> None:
    """An ingress controller hears of new pods and routes a moment later than Kubernetes."""

    def answer() -> bool:
        return httpx.get(url, timeout=5).status_code == 200

    eventually(url, answer, 30)


class Cluster:
    """The cluster of this suite, and the namespace `duet` in it."""

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
        """`helm upgrade` that keeps the values it has but for these."""
        changes = [f"--set={value}" for value in values]
        return self.helm(
            "upgrade", RELEASE, str(CHART), "--reset-then-reuse-values", *changes,
            "--wait", "--timeout=5m", *(["--rollback-on-failure"] if rollback else []),
        )  # fmt: skip

    def revision(self) -> int:
        """The number of the release's last revision."""
        history = json.loads(self.helm("history", RELEASE, "--output=json"))
        return max(int(entry["revision"]) for entry in history)

    def pods(self, component: str, *, namespace: str = NAMESPACE) -> list[str]:
        """Names of a component's pods that are not going away."""
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
        """What a Python program prints that runs in a pod; it ends within a minute."""
        return self.kubectl("exec", pod, "--", "python", "-c", program, namespace=namespace)

    def apply(self, manifest: str, *, namespace: str = NAMESPACE) -> None:
        """Server-side: some definitions are too large for an annotation."""
        run(
            "kubectl", f"--kubeconfig={self.kubeconfig}", f"--namespace={namespace}", "apply",
            "--server-side", "--filename=-", stdin=manifest,
        )  # fmt: skip

    def make_namespace(self, name: str) -> None:
        """A namespace that enforces the restricted Pod Security Standard."""
        metadata = {"name": name, "labels": {_RESTRICTED: "restricted"}}
        self.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))

    def query(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of Prometheus's API, asked through the API server."""
        service = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1"
        url = f"{service}/{path}?{urlencode(parameters)}"
        return json.loads(self.kubectl("get", f"--raw={url}"))["data"]

    def keep_logs(self, folder: Path) -> None:
        """What one would look at after a failure, for every pod."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, arguments in {
            "pods.txt": ["get", "pods,jobs,pvc", "-A", "-o", "wide"],
            "events.txt": ["get", "events", "-A", "--sort-by=.lastTimestamp"],
            "describe.txt": ["describe", "pods,jobs"],
        }.items():
            (folder / name).write_text(self._said("kubectl", *arguments))
        for pod in json.loads(self._said("kubectl", "get", "pods", "-A", "-o", "json"))["items"]:
            name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
            for suffix, more in {"": [], "-previous": ["--previous"]}.items():
                logs = self._said("kubectl", "logs", name, f"-n={namespace}", "--tail=2000", *more)
                if logs:
                    (folder / f"{namespace}-{name}{suffix}.log").write_text(logs)

    def _said(self, program: str, *arguments: str) -> str:
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
    """The cluster, made unless it is there, with this tree's images and what surrounds Duet:
    an ingress controller that is a gateway too, Prometheus, and a collector of traces."""
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(_start, kubeconfig)
        images = _build()
        starting.result()
    load(*images, *OTHERS)
    cluster = Cluster(kubeconfig)
    cluster.make_namespace(NAMESPACE)
    _surround(cluster)
    return cluster


def _start(kubeconfig: Path) -> None:
    if NAME in clusters():
        run("kind", "export", "kubeconfig", "--name", NAME, "--kubeconfig", str(kubeconfig))
    else:
        config = "--config=deploy/kind/cluster.yaml"
        run("kind", "create", "cluster", f"--name={NAME}", f"--image={NODE_IMAGE}", config,
            "--wait=120s", f"--kubeconfig={kubeconfig}")  # fmt: skip


def _build() -> list[str]:
    """The names of this tree's images; the others are pulled where they are missing."""
    images = [f"duet-{service}:{VERSION}" for service in SERVICES]
    for service, image in zip(SERVICES, images, strict=True):
        run("docker", "build", "-q", "-f", f"services/{service}/Dockerfile", "-t", image,
            f"--build-arg=VERSION={VERSION}", ".", seconds=600)  # fmt: skip
    # A build does not leave its base image behind, and a test compares the sizes.
    for image in (BASE_IMAGE, *OTHERS):
        if not run("docker", "images", "-q", image).strip():
            run("docker", "pull", "-q", image)
    return images


def load(*images: str) -> None:
    """Bring images of this machine to the cluster's node."""
    run("kind", "load", "docker-image", "--name", NAME, *images)


def _surround(cluster: Cluster) -> None:
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
        # On a cluster that was kept, they run with the configuration of before.
        cluster.kubectl("delete", "pods", "--all", namespace=namespace)
    for namespace in ("traefik", "monitoring"):
        cluster.kubectl(
            "wait", "--for=condition=Available", "deployment", "--all", "--timeout=120s",
            namespace=namespace,
        )  # fmt: skip


def delete_cluster() -> None:
    run("kind", "delete", "cluster", "--name", NAME)
