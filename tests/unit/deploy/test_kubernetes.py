"""The manifests of docs/deploy/kubernetes start what the Procfile starts, stop it in time, and allow it little."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from core.settings.reading import declared_variables
from dev.local.programs import migrations_command

from .reading import (
    GONE_WITHIN_SECONDS,
    KUBERNETES,
    PAID,
    PAID_SECONDS,
    PROCFILE,
    ROOT,
    container,
    expected_command,
    manifests,
    names_with_secrets,
    of_kind,
    pod_environment,
    pods,
    read_settings,
)

PODS = pods()
DEPLOYMENTS = of_kind("Deployment")
EACH = pytest.mark.parametrize("process", PROCFILE)
EACH_POD = pytest.mark.parametrize("name", PODS)
SECRETS = "/etc/welno/secrets"
EVERYWHERE = {"WEB_HOST": "0.0.0.0", "FLOWER_HOST": "0.0.0.0"}
WITH_SPOOL = {"web", "worker", "interviews", "poller"}


def test_there_is_a_deployment_for_each_process_and_a_job_for_the_migrations():
    assert set(DEPLOYMENTS) == set(PROCFILE)
    assert set(of_kind("Job")) == {"migrations"}


@EACH
def test_a_container_runs_the_command_of_the_procfile(process: str):
    assert container(PODS[process])["args"] == expected_command(process, EVERYWHERE)
    # The image's entry point, which is process 1, stays.
    assert "command" not in container(PODS[process])


def test_the_job_runs_the_migrations_and_knows_the_database_alone():
    job = PODS["migrations"]
    assert tuple(container(job)["args"]) == migrations_command()[2:]
    assert pod_environment(job) == {"DATABASE_URL_FILE": f"{SECRETS}/DATABASE_URL"}
    [secrets] = job["volumes"]
    assert secrets["secret"]["items"] == [{"key": "DATABASE_URL", "path": "DATABASE_URL"}]


@EACH
def test_a_process_has_its_time_to_stop(process: str):
    pod = PODS[process]
    before = container(pod).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
    seconds = pod["terminationGracePeriodSeconds"] - int(before[1])
    assert seconds == PAID_SECONDS if process in PAID else GONE_WITHIN_SECONDS < seconds <= 30


@EACH_POD
def test_every_variable_is_a_setting(name: str):
    known = {name for variable in declared_variables() for name in (variable.name, variable.file_name)}
    assert set(pod_environment(PODS[name])) - known == set()


@EACH_POD
def test_kubernetes_adds_no_variables_of_its_own(name: str):
    """WELNO_WEB_PORT, of the service welno-web, would be an unknown setting, and stop the start."""
    assert PODS[name]["enableServiceLinks"] is False


@EACH
def test_a_process_finds_all_its_settings(process: str, tmp_path: Path):
    settings = read_settings(pod_environment(PODS[process]), SECRETS, tmp_path)
    # A folder beneath the volume's own, which belongs to root and cannot be closed to others.
    assert settings.files.data_dir.parent == Path("/var/lib/welno")


@EACH_POD
def test_every_secret_is_a_file_of_the_mounted_one(name: str):
    environment = pod_environment(PODS[name])
    for secret in names_with_secrets(environment):
        assert environment[f"{secret}_FILE"] == f"{SECRETS}/{secret}"
    [mount] = [mount for mount in container(PODS[name])["volumeMounts"] if mount["name"] == "secrets"]
    assert (mount["mountPath"], mount["readOnly"]) == (SECRETS, True)
    assert not of_kind("Secret")


@EACH_POD
def test_a_pod_may_do_little_on_its_node(name: str):
    pod = PODS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(pod)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]


@EACH_POD
def test_a_container_has_bounds_and_an_image_of_this_release(name: str):
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert container(PODS[name])["image"] == f"welno:{version[1]}"
    assert set(container(PODS[name])["resources"]["requests"]) == {"cpu", "memory"}
    assert set(container(PODS[name])["resources"]["limits"]) == {"memory"}


@EACH
def test_what_is_repeated_keeps_all_but_one_and_what_is_single_holds_up_no_drain(process: str):
    spec, budgets = DEPLOYMENTS[process]["spec"], of_kind("PodDisruptionBudget")
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"]["app.kubernetes.io/component"] == process
    assert (process in budgets) == (spec["replicas"] > 1)
    if process in budgets:
        assert budgets[process]["spec"] == {"maxUnavailable": 1, "selector": spec["selector"]}
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_beat_is_single_also_while_it_is_replaced():
    assert DEPLOYMENTS["beat"]["spec"]["replicas"] == 1
    assert DEPLOYMENTS["beat"]["spec"]["strategy"] == {"type": "Recreate"}


def test_web_is_alive_and_ready_by_itself_whatever_store_is_away():
    probes = {name: one["httpGet"] for name, one in container(PODS["web"]).items() if name.endswith("Probe")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz/process",
    }


def test_flower_is_asked_under_a_name_that_it_answers_to():
    probes = [one for name, one in container(PODS["flower"]).items() if name.endswith("Probe")]
    assert [probe["httpGet"]["httpHeaders"] for probe in probes] == [[{"name": "Host", "value": "localhost"}]] * 3


@pytest.mark.parametrize(("process", "node"), [("worker", "celery"), ("interviews", "interviews")])
def test_a_worker_is_asked_by_its_own_node_name_and_never_killed_for_its_broker(process: str, node: str):
    own = container(PODS[process])
    assert [name for name in own if name.endswith("Probe")] == ["readinessProbe"]
    assert f'-d "{node}@$HOSTNAME"' in own["readinessProbe"]["exec"]["command"][-1]
    assert (f"{node}@%h" in own["args"]) == (node != "celery")


@pytest.mark.parametrize("process", ["web", "flower"])
def test_a_service_leads_to_the_port_of_the_command(process: str):
    service, own = of_kind("Service")[process]["spec"], container(PODS[process])
    assert service["selector"] == DEPLOYMENTS[process]["spec"]["selector"]["matchLabels"]
    [port] = own["ports"]
    assert [one["targetPort"] for one in service["ports"]] == [port["name"]]
    assert re.search(rf"\b{port['containerPort']}$", " ".join(own["args"][:-1] if process == "web" else own["args"]))
    probes = [one["httpGet"]["port"] for name, one in own.items() if name.endswith("Probe")]
    assert probes == [port["name"]] * 3


def test_who_uses_the_folder_of_files_shares_one_volume():
    [claim] = [one for one in manifests() if one["kind"] == "PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    claims = {name: one["persistentVolumeClaim"]["claimName"] for name, one in _volumes("persistentVolumeClaim")}
    assert claims == dict.fromkeys(WITH_SPOOL, claim["metadata"]["name"])


@EACH_POD
def test_every_mounted_volume_is_there(name: str):
    mounted = [mount["name"] for mount in container(PODS[name])["volumeMounts"]]
    assert mounted == [volume["name"] for volume in PODS[name]["volumes"]]


def test_kustomize_takes_all_but_the_migrations():
    files = {path.name for path in KUBERNETES.glob("*.yaml")}
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    assert set(kustomization["resources"]) == files - {"kustomization.yaml", "migrations.yaml"}


def _volumes(kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, volume) for name, pod in PODS.items() for volume in pod["volumes"] if kind in volume]
