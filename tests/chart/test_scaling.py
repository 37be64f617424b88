"""Tests of replicas, autoscaling, disruption budgets and topology spread."""

import pytest

from tests.chart.rendering import render


def test_a_single_pod_has_no_disruption_budget() -> None:
    assert not render().all("PodDisruptionBudget")


@pytest.mark.parametrize(
    "values",
    [{"replicas": 2}, {"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 2}}],
    ids=["replicas", "autoscaling"],
)
def test_several_pods_have_a_budget_that_lets_a_drain_evict_one(values: dict[str, object]) -> None:
    budget = render({"auth": values}).one("PodDisruptionBudget", "duet-auth")
    assert budget["spec"]["maxUnavailable"] == 1


def test_there_is_no_budget_if_it_is_disabled_or_one_pod_is_the_minimum() -> None:
    off = {"auth": {"replicas": 2, "podDisruptionBudget": {"enabled": False}}}
    assert not render(off).all("PodDisruptionBudget")
    one = {"auth": {"autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 2}}}
    assert not render(one).all("PodDisruptionBudget")


def test_an_autoscaled_deployment_sets_no_replicas() -> None:
    scaling = {"enabled": True, "minReplicas": 2, "maxReplicas": 4, "targetCPU": 60}
    manifests = render({"auth": {"autoscaling": scaling}})
    assert "replicas" not in manifests.one("Deployment", "duet-auth")["spec"]
    spec = manifests.one("HorizontalPodAutoscaler", "duet-auth")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 4)
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert spec["scaleTargetRef"]["name"] == "duet-auth"
    assert manifests.names("HorizontalPodAutoscaler") == {"duet-auth"}


def test_a_service_can_be_scaled_to_zero() -> None:
    assert render({"auth": {"replicas": 0}}).one("Deployment", "duet-auth")["spec"]["replicas"] == 0


def test_pods_are_spread_across_zones_and_nodes() -> None:
    spread = render().pod("Deployment/duet-content").spec["topologySpreadConstraints"]
    assert [item["topologyKey"] for item in spread] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    assert {item["whenUnsatisfiable"] for item in spread} == {"ScheduleAnyway"}
    off = render({"content": {"topologySpread": {"enabled": False}}})
    assert "topologySpreadConstraints" not in off.pod("Deployment/duet-content").spec
