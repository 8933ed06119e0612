"""deploy/kubernetes follows the schemas of Kubernetes, and keeps what it promises."""

import re
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deployment.example import ROOT, setting_names

KUBERNETES = ROOT / "deploy" / "kubernetes"
KUBERNETES_VERSION = "1.34"


@cache
def manifests() -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple(
        (path.name, document)
        for path in sorted(KUBERNETES.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    )


def pods() -> list[tuple[str, dict[str, Any]]]:
    return [
        (manifest["metadata"]["name"], manifest["spec"]["template"]["spec"])
        for _, manifest in manifests()
        if manifest["kind"] in ("Deployment", "Job")
    ]


# As much of KEDA's own definitions as is used; kubernetes-validate has none of those.
KEDA_FIELDS = {
    "scaleTargetRef": {"name"},
    "pollingInterval": None,
    "cooldownPeriod": None,
    "minReplicaCount": None,
    "maxReplicaCount": None,
    "fallback": {"failureThreshold", "replicas"},
    "advanced": {"horizontalPodAutoscalerConfig"},
    "triggers": None,
}


def has_schema(manifest: dict[str, Any]) -> bool:
    """Whether it is a thing of Kubernetes' own."""
    return not manifest["apiVersion"].startswith(("keda.sh/", "kustomize."))


@pytest.mark.parametrize(
    ("file", "manifest"), [pytest.param(*found, id=found[0]) for found in manifests() if has_schema(found[1])]
)
def test_each_manifest_follows_the_schema_of_kubernetes(file: str, manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)


def test_the_scaler_counts_jobs_in_the_database() -> None:
    keda = {manifest["kind"]: manifest for name, manifest in manifests() if name == "keda.yaml"}
    spec = keda["ScaledObject"]["spec"]
    assert set(spec) <= set(KEDA_FIELDS)
    for name, fields in KEDA_FIELDS.items():
        assert fields is None or set(spec[name]) <= fields
    (trigger,) = spec["triggers"]
    assert set(trigger) <= {"type", "metricType", "metadata", "authenticationRef", "name"}
    assert trigger["type"] == "postgresql"
    assert all(isinstance(value, str) for value in trigger["metadata"].values()), "KEDA takes strings only"
    assert trigger["authenticationRef"]["name"] == keda["TriggerAuthentication"]["metadata"]["name"]
    deployments = {
        manifest["metadata"]["name"]: manifest["spec"] for _, manifest in manifests() if "spec" in manifest
    }
    assert "replicas" not in deployments[spec["scaleTargetRef"]["name"]], "two would set them"


def test_every_pod_is_held_to_the_restricted_standard() -> None:
    for name, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"]["memory"], name


def test_every_pod_that_stays_is_probed() -> None:
    for name, pod in pods():
        if name != "migrate":
            assert all("livenessProbe" in container for container in pod["containers"]), name


def test_kubernetes_names_only_settings_that_there_are() -> None:
    named = {
        name
        for _, manifest in manifests()
        for key in ("data", "stringData")
        for name in manifest.get(key, {})
        if name.startswith("ROTOMILL_")
    }
    named |= {entry["name"] for _, pod in pods() for c in pod["containers"] for entry in c.get("env", [])}
    assert {name for name in named if name.startswith("ROTOMILL_")} <= setting_names()


def test_kustomize_applies_every_manifest_but_the_example_of_secrets() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    there = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml", "secrets.example.yaml"}
    assert set(kustomization["resources"]) == there
    images = {container["image"] for _, pod in pods() for container in pod["containers"]}
    assert {entry["name"] for entry in kustomization["images"]} == images
    assert all(re.match(r"\d", entry["newTag"]) for entry in kustomization["images"])
