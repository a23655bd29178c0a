"""Each document of docs/deploy/kubernetes has the fields that it must have, and none that Kubernetes does not know.

Those that we use, from Kubernetes's API reference (1.28 and newer); `!` marks what must be there.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from .reading import manifests


def under(prefix: str, fields: str) -> str:
    return " ".join(f"{prefix}.{field}" for field in fields.split())


_LABELS = "app.kubernetes.io/name! app.kubernetes.io/component!"
_PROBE = """
    httpGet.path httpGet.port httpGet.httpHeaders[].name httpGet.httpHeaders[].value exec.command[]
    initialDelaySeconds periodSeconds timeoutSeconds failureThreshold
"""
_CONTAINER = f"""
    name! image! args[]! envFrom[].configMapRef.name env[].name env[].value ports[].name ports[].containerPort
    lifecycle.preStop.exec.command[] resources.requests.cpu! resources.requests.memory! resources.limits.memory!
    securityContext.allowPrivilegeEscalation! securityContext.readOnlyRootFilesystem!
    securityContext.capabilities.drop[]! volumeMounts[].name! volumeMounts[].mountPath! volumeMounts[].readOnly!
    {under("startupProbe", _PROBE)} {under("livenessProbe", _PROBE)} {under("readinessProbe", _PROBE)}
"""
_POD = f"""
    {under("containers[]", _CONTAINER)} terminationGracePeriodSeconds! enableServiceLinks! restartPolicy
    automountServiceAccountToken! securityContext.runAsNonRoot! securityContext.runAsUser! securityContext.runAsGroup!
    securityContext.fsGroup! securityContext.fsGroupChangePolicy securityContext.seccompProfile.type!
    topologySpreadConstraints[].maxSkew topologySpreadConstraints[].topologyKey
    topologySpreadConstraints[].whenUnsatisfiable
    {under("topologySpreadConstraints[].labelSelector.matchLabels", _LABELS.replace("!", ""))}
    volumes[].name! volumes[].secret.secretName! volumes[].secret.defaultMode! volumes[].secret.items[].key
    volumes[].secret.items[].path volumes[].emptyDir.medium volumes[].emptyDir.sizeLimit
    volumes[].persistentVolumeClaim.claimName
"""
_TEMPLATE = f"{under('spec.template.metadata.labels', _LABELS)} {under('spec.template.spec', _POD)}"
_NAMED = "apiVersion! kind! metadata.name!"
_SELECTOR = under("spec.selector.matchLabels", _LABELS)
FIELDS = {
    ("apps/v1", "Deployment"): f"""
        {_NAMED} {under("metadata.labels", _LABELS)} {_SELECTOR} {_TEMPLATE} spec.replicas! spec.minReadySeconds
        spec.strategy.type spec.strategy.rollingUpdate.maxSurge spec.strategy.rollingUpdate.maxUnavailable
    """,
    ("batch/v1", "Job"): f"""
        {_NAMED} {under("metadata.labels", _LABELS)} {_TEMPLATE} spec.backoffLimit! spec.activeDeadlineSeconds!
    """,
    ("v1", "Service"): f"""
        {_NAMED} {under("spec.selector", _LABELS)} spec.ports[].name! spec.ports[].port! spec.ports[].targetPort!
    """,
    ("policy/v1", "PodDisruptionBudget"): f"{_NAMED} {_SELECTOR} spec.maxUnavailable!",
    ("v1", "PersistentVolumeClaim"): f"{_NAMED} spec.accessModes[]! spec.resources.requests.storage!",
}


def paths_of(value: Any, path: str = "") -> Iterator[str]:
    """Of all that is no mapping and no list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from paths_of(inner, f"{path}[]")
    else:
        yield path


@pytest.mark.parametrize("document", manifests(), ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_a_document_has_the_fields_of_its_kind(document: dict[str, Any]):
    if document["kind"] == "ConfigMap":
        assert document["apiVersion"] == "v1"
        assert {type(value) for value in document["data"].values()} == {str}
        return
    fields = FIELDS[document["apiVersion"], document["kind"]].split()
    used = set(paths_of(document))
    assert used - {field.rstrip("!") for field in fields} == set()
    assert {field[:-1] for field in fields if field.endswith("!")} - used == set()


def test_no_two_documents_of_a_kind_have_one_name():
    names = [(one["kind"], one["metadata"]["name"]) for one in manifests()]
    assert len(names) == len(set(names))
