"""The units of docs/deploy/systemd start what the Procfile starts, stop it in time, and allow it little."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from celery.utils.nodenames import host_format

from core.settings.reading import declared_variables
from dev.local.programs import migrations_command

from .reading import (
    GONE_WITHIN_SECONDS,
    PAID,
    PAID_SECONDS,
    PROCFILE,
    SYSTEMD,
    Unit,
    expected_command,
    names_with_secrets,
    read_settings,
    read_unit,
)

TEMPLATES = {"worker"}
UNITS = {process: read_unit(f"welno-{process}{'@' if process in TEMPLATES else ''}.service") for process in PROCFILE}
MIGRATE = read_unit("welno-migrate.service")
EACH = pytest.mark.parametrize("process", PROCFILE)
EACH_AND_MIGRATIONS = pytest.mark.parametrize("unit", [*UNITS.values(), MIGRATE], ids=lambda unit: unit.name)
PROGRAMS = Path("/opt/welno/.venv/bin")


def test_every_file_is_made_of_sections_and_assignments():
    for path in (*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.target"), *SYSTEMD.glob("*.d/*.conf")):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert re.fullmatch(r"\[(Unit|Service)\]", lines[0])
        assert all(re.fullmatch(r"\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=.*", line) for line in lines), path.name


def test_there_is_a_unit_for_each_process_and_the_target_wants_them_all():
    services = {path.name for path in SYSTEMD.glob("*.service")}
    assert services == {unit.name for unit in (*UNITS.values(), MIGRATE)}
    wanted = {
        name
        for line in (SYSTEMD / "welno.target").read_text().splitlines()
        if line.startswith("Wants=")
        for name in line.removeprefix("Wants=").split()
    }
    assert {name.replace("@1.", "@.") for name in wanted} == services - {MIGRATE.name}
    assert all(unit.one("WantedBy") == unit.one("PartOf") == "welno.target" for unit in UNITS.values())


@EACH
def test_a_unit_runs_the_command_of_the_procfile(process: str):
    program, *arguments = UNITS[process].command
    assert Path(program).parent == PROGRAMS
    own_name = ["-n", "worker1@%h"] if process in TEMPLATES else []
    rest = [argument for argument in arguments if argument not in own_name]
    assert [Path(program).name, *rest] == expected_command(process, {})
    assert len(arguments) - len(rest) == len(own_name)


@pytest.mark.parametrize("process", TEMPLATES)
def test_those_of_a_template_run_beside_each_other_under_names_of_their_own(process: str):
    names = {
        command[command.index("-n") + 1]
        for command in (replace(UNITS[process], instance=instance).command for instance in ("1", "2"))
    }
    assert {host_format(name, host="one") for name in names} == {"worker1@one", "worker2@one"}
    assert UNITS[process].one("DefaultInstance") == "1"


@EACH
def test_a_process_starts_after_the_migrations_and_not_without(process: str):
    assert MIGRATE.name in UNITS[process].words("Requires")
    assert MIGRATE.name in UNITS[process].words("After")


def test_the_migrations_end_before_the_processes_begin():
    assert (MIGRATE.one("Type"), MIGRATE.one("RemainAfterExit")) == ("oneshot", "yes")
    assert tuple(MIGRATE.command) == (str(PROGRAMS / "alembic"), *migrations_command()[3:])
    assert names_with_secrets(MIGRATE.environment) == {"DATABASE_URL"}


@EACH
def test_a_process_has_its_time_to_stop(process: str):
    seconds = int(UNITS[process].one("TimeoutStopSec"))
    assert seconds == PAID_SECONDS if process in PAID else GONE_WITHIN_SECONDS < seconds <= 30
    assert UNITS[process].one("Restart") == "always"


@EACH_AND_MIGRATIONS
def test_every_variable_is_a_setting_or_one_of_the_command(unit: Unit):
    known = {name for variable in declared_variables() for name in (variable.name, variable.file_name)}
    of_procfile = {"WEB_HOST", "PORT", "WORKER_CONCURRENCY", "FLOWER_HOST", "FLOWER_PORT"}
    assert set(unit.environment) - known - of_procfile == set()


@EACH_AND_MIGRATIONS
def test_every_secret_is_a_file_that_systemd_hands_over(unit: Unit):
    loaded = dict(item.split(":") for item in unit.words("LoadCredential"))
    assert loaded == {name: f"/etc/welno/secrets/{name}" for name in names_with_secrets(unit.environment)}
    assert all(unit.environment[f"{name}_FILE"] == f"%d/{name}" for name in loaded)


@EACH
def test_a_process_finds_all_its_settings(process: str, tmp_path: Path):
    settings = read_settings(UNITS[process].environment | {"PROMETHEUS_MULTIPROC_DIR": ""}, "%d", tmp_path)
    state = Path("/var/lib") / UNITS[process].one("StateDirectory")
    assert settings.files.data_dir.parent == state


@EACH_AND_MIGRATIONS
def test_a_process_may_do_little_on_its_machine(unit: Unit):
    assert unit.one("User") not in {"root", "0"}
    assert unit.one("ProtectSystem") == "strict"
    assert unit.one("UMask") == "0077"
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelTunables"):
        assert unit.one(key) == "yes"
    assert unit.values["CapabilityBoundingSet"] == []
    assert unit.one("SystemCallFilter") == "@system-service"
    assert unit.one("MemoryMax")[-1] in "GM"


def test_readers_of_interviews_may_cut_themselves_off_the_network():
    allowed = {process: unit.one("RestrictNamespaces") for process, unit in UNITS.items()}
    assert allowed.pop("interviews") == "user net"
    assert set(allowed.values()) == {"yes"}


def test_web_may_open_as_many_files_as_operations_ask_for():
    assert int(UNITS["web"].one("LimitNOFILE")) >= 45_000


def test_folders_outside_of_the_state_are_made_for_the_same_user():
    made = [line.split() for line in (SYSTEMD / "welno.tmpfiles.conf").read_text().splitlines() if line[0] != "#"]
    asked = {path for unit in UNITS.values() for path in unit.words("ReadWritePaths")}
    assert asked <= {path for _, path, *_ in made}
    assert {tuple(entry[2:5]) for entry in made} == {("0700", "welno", "welno")}
    assert "\nu welno " in (SYSTEMD / "welno.sysusers.conf").read_text()
