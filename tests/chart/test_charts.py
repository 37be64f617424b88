"""Tests of the charts' files: generated files, links, packages, validity, names and notes."""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from scripts import values_docs
from scripts.version import current
from tests.chart import kubernetes_schemas
from tests.chart.rendering import ALONE, CHARTS, EVERYTHING, EXTERNAL, Values, helm, render
from tests.support.required_programs import require_program

_MAX_RELEASE_NAME = "r" * 36


def test_generated_schemas_and_tables_are_up_to_date() -> None:
    assert not values_docs.stale(), "run `python -m scripts.values_docs`"


def test_a_value_without_a_comment_is_refused() -> None:
    with pytest.raises(values_docs.UndocumentedValue, match=r"a\.b has no comment"):
        values_docs.read_values("a:\n  b: 1\n")


def test_a_comment_becomes_the_description_and_extends_the_schema() -> None:
    text = 'a:\n  # -- how\n  # many\n  # @schema {"minimum": 1}\n  b: 2\n'
    (value,) = values_docs.read_values(text)
    assert (value.path, value.default) == (("a", "b"), 2)
    assert value.schema == {"description": "how many", "type": "integer", "minimum": 1}
    schema = values_docs.make_schema([value], [])
    assert schema["additionalProperties"] is False
    assert schema["properties"]["a"]["additionalProperties"] is False


def test_global_values_are_documented_identically_in_all_charts() -> None:
    def documented(chart: str) -> dict[str, Any]:
        values = values_docs.read_values((CHARTS / chart / "values.yaml").read_text())
        return {".".join(v.path): (v.schema, v.default) for v in values if v.path[0] == "global"}

    different_defaults = {
        "global.duet.createSecrets",
        "global.duet.postgres.enabled",
        "global.duet.postgres.maxConnections",
    }
    auth, content, umbrella = (documented(c) for c in ("duet-auth", "duet-content", "duet"))
    assert auth == content
    assert auth.keys() == umbrella.keys()
    assert {path for path in auth if auth[path] != umbrella[path]} == different_defaults
    assert all(auth[path][0] == umbrella[path][0] for path in auth)


@pytest.mark.parametrize("chart", ["duet", "duet-auth", "duet-content"])
def test_a_packaged_chart_renders_the_same_manifests(chart: str, tmp_path: Path) -> None:
    """The archive contains files instead of links, so it installs without a clone."""
    result = helm("package", str(CHARTS / chart), "-d", str(tmp_path))
    assert result.returncode == 0, result.stderr
    archive = tmp_path / f"{chart}-{current()}.tgz"
    with tarfile.open(archive) as opened:
        assert all(member.isfile() for member in opened)
    arguments = ["template", "duet", str(archive), "-n", "prod", "-f", "-"]
    packaged = helm(*arguments, stdin=json.dumps(ALONE[chart]))
    assert packaged.stdout == render(ALONE[chart], chart).text
    assert not packaged.stderr


def test_links_are_relative_and_point_to_existing_files_in_the_deploy_folder() -> None:
    links = [path for path in CHARTS.parent.rglob("*") if path.is_symlink()]
    assert links
    for link in links:
        assert not link.readlink().is_absolute()
        assert link.resolve(strict=True).is_relative_to(CHARTS.parent)


@pytest.mark.parametrize("chart", ["duet", "duet-auth", "duet-content", "duet-lib"])
def test_helm_lint_accepts_the_chart(chart: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(json.dumps(ALONE.get(chart, {})))
    result = helm("lint", "--strict", str(CHARTS / chart), "-f", str(values))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("upgrade", [False, True])
@pytest.mark.parametrize(
    ("chart", "values"),
    [
        ("duet", {}),
        ("duet", EVERYTHING),
        ("duet", EXTERNAL),
        ("duet-auth", ALONE["duet-auth"]),
        ("duet-content", ALONE["duet-content"]),
    ],
    ids=["defaults", "everything", "external", "auth alone", "content alone"],
)
def test_kubeconform_accepts_the_manifests(chart: str, values: Values, upgrade: bool) -> None:
    summary = _kubeconform(render(values, chart, upgrade=upgrade).text)
    assert (summary["invalid"], summary["errors"], summary["skipped"]) == (0, 0, 0), summary
    assert summary["valid"] > 5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("revisionHistoryLimit", "revisionHistroyLimit"), ("matchLabelKeys", "matchLabelKey")],
)
def test_kubeconform_refuses_a_misspelt_field(right: str, wrong: str) -> None:
    text = render().text
    assert right in text
    assert _kubeconform(text.replace(right, wrong))["invalid"] == 2


def _kubeconform(manifests: str) -> dict[str, int]:
    """Return kubeconform's summary: the number of manifests per result."""
    arguments = ["-strict", "-summary", "-output=json"]
    result = subprocess.run(
        [
            require_program("kubeconform"),
            *arguments,
            f"-schema-location={kubernetes_schemas.LOCATION}",
            "-",
        ],
        input=manifests,
        capture_output=True,
        text=True,
        check=False,
    )
    summary: dict[str, int] = json.loads(result.stdout)["summary"]
    return summary


@pytest.mark.parametrize("upgrade", [False, True])
def test_names_and_labels_have_at_most_63_characters(upgrade: bool) -> None:
    for item in render(EVERYTHING, upgrade=upgrade, release=_MAX_RELEASE_NAME).objects:
        assert len(item["metadata"]["name"]) <= 63, item["metadata"]["name"]
        for value in item["metadata"]["labels"].values():
            assert len(value) <= 63


def test_every_object_is_labelled_with_its_release() -> None:
    for item in render(EVERYTHING).objects:
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "duet"
        assert labels["app.kubernetes.io/part-of"] == "duet"


def test_no_two_objects_of_a_kind_have_the_same_name() -> None:
    for upgrade in (False, True):
        names = [
            (i["kind"], i["metadata"]["name"]) for i in render(EVERYTHING, upgrade=upgrade).objects
        ]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ({}, "helm -n prod test duet"),
        ({}, "keeps the database's volume and the Secrets"),
        ({}, "app.kubernetes.io/name=duet,app.kubernetes.io/instance=duet"),
        ({}, "set global.duet.tokenIssuer before production"),
        ({"ingress": {"host": "duet.example.com"}}, "http://duet.example.com"),
        (EVERYTHING, "https://duet.example.com"),
        (EXTERNAL, "keeps the Secrets that the chart created"),
    ],
)
def test_the_notes_contain_next_steps_and_what_uninstall_keeps(values: Values, note: str) -> None:
    arguments = ["install", "duet", str(CHARTS / "duet"), "-n", "prod", "--dry-run=client"]
    result = helm(*arguments, "-f", "-", stdin=json.dumps(values))
    assert note in result.stdout.partition("NOTES:")[2], result.stderr
