"""What docs/deploy holds, read as systemd, Kubernetes and a shell would read it."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "deploy"
SYSTEMD, KUBERNETES = FOLDER / "systemd", FOLDER / "kubernetes"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text("utf-8").splitlines())
# Those whose calls may be paid for, and how long they are given to end; the others, and by when they are gone.
_PAID = re.search(r"but for a (\w+) or (\w+) with a call under way.*?Give both (\d+) s", OPERATIONS, re.DOTALL)
assert _PAID
PAID, PAID_SECONDS = {_PAID[1], _PAID[2]}, int(_PAID[3])
assert "every process is gone within ten seconds" in OPERATIONS
GONE_WITHIN_SECONDS = 10
_SECRETS = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
    "REDIS_URL": "redis://127.0.0.1/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1/0",
    "TILKO_API_KEY": "invented",
    "MEDIARC_API_KEY": "invented",
    "WELNO_SEALING_KEYS": "k:hkdf:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "WELNO_JWT_SECRET": "invented: abcdefghijklmnopqrstuvwxyz",
    "WELNO_PSEUDONYM_KEY": "another: abcdefghijklmnopqrstuvwxyz",
    "WELNO_PASSWORD_PEPPER": "a third: abcdefghijklmnopqrstuvwxyz",
    "MISO_API_KEY": "",
    "MISO_AGENT_API_KEY": "",
    "MISO_KNOWLEDGE_API_KEY": "",
}


def expected_command(process: str, environment: Mapping[str, str]) -> list[str]:
    """The Procfile's, as a shell expands it."""
    command = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda match: environment.get(match[1], match[2]), PROCFILE[process])
    return shlex.split(command)


def read_settings(environment: Mapping[str, str], secrets: str, folder: Path) -> Settings:
    """As a process would: the files that `secrets` holds are put into `folder`, with invented content."""
    for name, content in _SECRETS.items():
        (folder / name).write_text(f"{content}\n")
    return Settings.read({name: value.replace(secrets, str(folder)) for name, value in environment.items()})


def names_with_secrets(environment: Mapping[str, str]) -> set[str]:
    return {name.removesuffix("_FILE") for name in environment if name.endswith("_FILE")}


@dataclass(frozen=True)
class Unit:
    """A service with its drop-ins, in systemd's order; an empty value takes back what stood before it. Of a template
    one of those that may run beside each other."""

    name: str
    values: Mapping[str, list[str]]
    instance: str = "1"

    @property
    def is_template(self) -> bool:
        return "@" in self.name

    def one(self, key: str) -> str:
        [value] = self.values[key]
        return value

    def words(self, key: str) -> list[str]:
        return [word for value in self.values.get(key, ()) for word in value.split()]

    @property
    def environment(self) -> dict[str, str]:
        """What the process gets, the file of settings last."""
        assigned = self.words("Environment")
        if "EnvironmentFile" in self.values:
            assigned += [line for line in (SYSTEMD / "welno.env").read_text().splitlines() if not line.startswith("#")]
        return dict(item.split("=", 1) for item in assigned)

    @property
    def command(self) -> list[str]:
        own = self.environment
        text = re.sub(r"\$\{(\w+)\}", lambda match: own[match[1]], self.one("ExecStart"))
        text = text.replace("%i", self.instance) if self.is_template else text
        # A single % would be another of systemd's own specifiers.
        assert "%" not in text.replace("%%", "")
        return shlex.split(text.replace("%%", "%"))


def read_unit(name: str) -> Unit:
    values: dict[str, list[str]] = {}
    drop_ins = [*SYSTEMD.glob("welno-.service.d/*.conf"), *SYSTEMD.glob(f"{name}.d/*.conf")]
    for path in (SYSTEMD / name, *sorted(drop_ins, key=lambda path: path.name)):
        for key, value in _assignments(path):
            values[key] = [*values.get(key, ()), value] if value else []
    return Unit(name, values)


def _assignments(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text("utf-8").splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            yield key, value


@cache
def manifests() -> list[dict[str, Any]]:
    """All of Kubernetes's documents, without what is kustomize's own."""
    documents = [
        one for path in sorted(KUBERNETES.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text("utf-8"))
    ]
    return [document for document in documents if document["kind"] != "Kustomization"]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """By name without the product's."""
    found = [document for document in manifests() if document["kind"] == kind]
    return {document["metadata"]["name"].removeprefix("welno-"): document for document in found}


def pods() -> dict[str, dict[str, Any]]:
    """The pods' specs, of the processes and of the migrations."""
    return {name: one["spec"]["template"]["spec"] for name, one in (of_kind("Deployment") | of_kind("Job")).items()}


def container(pod: Mapping[str, Any]) -> dict[str, Any]:
    [only] = pod["containers"]
    return dict(only)


def pod_environment(pod: Mapping[str, Any]) -> dict[str, str]:
    own = {one["name"]: one["value"] for one in container(pod).get("env", ())}
    maps = [of_kind("ConfigMap")[one["configMapRef"]["name"]]["data"] for one in container(pod).get("envFrom", ())]
    return {name: value for data in (*maps, own) for name, value in data.items()}
