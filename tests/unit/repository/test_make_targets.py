"""Workflows, hooks and the documentation name only make targets and scripts that exist."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[3]
WORKFLOWS: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))
MAKEFILE: Final = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS: Final = frozenset(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
_RUN_BY_CI: Final = {
    "actionlint", "check", "coverage", "test", "test-chart", "test-cluster", "test-random",
    "test-slow",
}  # fmt: skip


def _commands(workflow: Path) -> Iterator[str]:
    """Yield each command of a workflow, once per value of the matrix's `target`."""
    for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values():
        targets = job.get("strategy", {}).get("matrix", {}).get("target", [""])
        for step in job.get("steps", []):
            for target in targets:
                yield step.get("run", "").replace("${{ matrix.target }}", target)


def _make_targets(commands: Iterable[str]) -> set[str]:
    """Return the targets that the commands pass to make."""
    return {target for command in commands for target in re.findall(r"\bmake (\S+)", command)}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_targets_and_scripts_that_exist(workflow: Path) -> None:
    commands = list(_commands(workflow))
    scripts = re.findall(r"python3 -m scripts\.(\w+)", "\n".join(commands))
    assert _make_targets(commands) <= TARGETS
    assert all((ROOT / f"scripts/{script}.py").exists() for script in scripts)


def test_ci_runs_every_suite() -> None:
    assert _make_targets(_commands(ROOT / ".github/workflows/ci.yml")) >= _RUN_BY_CI


def test_the_pre_commit_hooks_call_targets_that_exist() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    called = _make_targets(hook["entry"] for repo in config["repos"] for hook in repo["hooks"])
    assert "check" in called
    assert called <= TARGETS


def test_the_dev_container_calls_a_target_that_exists() -> None:
    text = (ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8")
    without_comments = re.sub(r"^//.*$", "", text, flags=re.MULTILINE)
    called = _make_targets([json.loads(without_comments)["postCreateCommand"]])
    assert called
    assert called <= TARGETS


def test_the_documentation_names_targets_that_exist() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/helm/*/*.md")]
    named = {
        (page.name, target)
        for page in pages
        for target in re.findall(r"`make ([a-z0-9-]+)", page.read_text(encoding="utf-8"))
    }
    assert named
    assert {(page, target) for page, target in named if target not in TARGETS} == set()


def test_the_images_are_built_with_the_uv_of_the_makefile() -> None:
    pinned = re.search(r"^UV_VERSION := (\S+)$", MAKEFILE, re.MULTILINE)
    assert pinned is not None
    for dockerfile in ROOT.glob("services/*/Dockerfile"):
        assert f" uv=={pinned[1]}\n" in dockerfile.read_text(encoding="utf-8"), dockerfile


def test_dependabot_updates_every_kind_of_dependency() -> None:
    config = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))
    assert config["version"] == 2
    kinds = {update["package-ecosystem"] for update in config["updates"]}
    assert {"uv", "npm", "github-actions", "docker"} <= kinds
    assert all(update["schedule"]["interval"] for update in config["updates"])


@pytest.mark.parametrize("form", ["bug_report", "feature_request"])
def test_an_issue_form_has_a_name_and_labelled_fields(form: str) -> None:
    path = ROOT / f".github/ISSUE_TEMPLATE/{form}.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert document["name"]
    assert document["description"]
    fields = [field for field in document["body"] if field["type"] != "markdown"]
    assert fields
    assert all(field["attributes"]["label"] for field in fields)
