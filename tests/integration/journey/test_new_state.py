"""A new state and a new action are a change of one module: everything else follows it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from dev.local.postgres import EmbeddedPostgres
from dev.local.programs import ROOT

STATES = "models/journey/states.py"
# After an exam a person may stay for a while under observation.
CHANGES = (
    ('    PAYMENT = "PAYMENT"\n', '    OBSERVED = "OBSERVED"\n    PAYMENT = "PAYMENT"\n'),
    ('    LEAVE_HOSPITAL = "leave_hospital"\n', '    LEAVE_HOSPITAL = "leave_hospital"\n    OBSERVE = "observe"\n'),
    ("    _A.LEAVE_HOSPITAL,\n)", "    _A.LEAVE_HOSPITAL,\n    _A.OBSERVE,\n)"),
    (
        "    Transition(_S.COMPLETED, _A.MAKE_PAYMENT,",
        (
            "    Transition(_S.COMPLETED, _A.OBSERVE, _R.PATIENT, _S.OBSERVED),\n"
            "    Transition(_S.OBSERVED, _A.MAKE_PAYMENT, _R.PATIENT, _S.PAYMENT),\n"
            "    Transition(_S.COMPLETED, _A.MAKE_PAYMENT,"
        ),
    ),
    ("(_S.COMPLETED, _S.PAYMENT, _S.FINISHED)", "(_S.COMPLETED, _S.OBSERVED, _S.PAYMENT, _S.FINISHED)"),
)
SCRIPT = """
import json, os
from sqlalchemy import text
from models import Table
from models.journey import JourneyState
from models.journey.definitions import state_definitions
from tests.integration.journey.ward import MORNING, Ward

ward = Ward.open(json.loads(os.environ["WARD"]))
with ward.stores.engine.begin() as connection:
    connection.execute(text("create schema welno"))
    connection.execute(text("create schema welno_log"))
    Table.metadata.create_all(connection)
    connection.execute(text("insert into welno.welno_epoch (id, epoch) values (1, '00000001aaaaaaaa')"))
with ward.clock.frozen(MORNING):
    ward.furnish()
    person = ward.patient().comes(JourneyState.COMPLETED)
    offered = person.snapshot()["available_actions"]
    observed = person.act("observe")
    paying = person.act("make_payment")
print(json.dumps({
    "offered": offered,
    "observed": [observed["journey_state"], observed["phase"], observed["available_actions"]],
    "paying": paying["journey_state"],
    "definitions": state_definitions(),
    "steps": person.steps()[-2:],
}))
"""


@pytest.fixture
def empty_database(empty_postgres: EmbeddedPostgres):
    url = make_url(empty_postgres.url)
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("create database another_hospital")
    yield url.set(database="another_hospital").render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql("drop database another_hospital with (force)")
    admin.dispose()


def copy_with_the_change(folder: Path) -> None:
    """The product, with this one module changed."""
    for room in ("core", "dev", "services", "spool", "streams", "tests", "upstream"):
        (folder / room).symlink_to(ROOT / room)
    shutil.copytree(ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / STATES).read_text(encoding="utf-8")
    for before, after in CHANGES:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (folder / STATES).write_text(text, encoding="utf-8")


def test_a_new_state_and_a_new_action_are_a_change_of_one_module(
    tmp_path: Path, demo_env: dict[str, str], empty_database: str
):
    copy_with_the_change(tmp_path)
    ward = json.dumps(demo_env | {"DATABASE_URL": empty_database})
    env = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "WARD": ward}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert said["offered"] == ["confirm_arrival", "make_payment", "observe"]
    assert said["observed"] == ["OBSERVED", "CHECKOUT", ["make_payment"]]
    assert said["paying"] == "PAYMENT"
    assert said["steps"] == [
        ["COMPLETED", "OBSERVED", "patient_action", "observe"],
        ["OBSERVED", "PAYMENT", "patient_action", "make_payment"],
    ]
    definitions = said["definitions"]
    assert "OBSERVED" in definitions["journey_states"]
    assert "observe" in definitions["patient_actions"]
    assert definitions["state_transitions"]["OBSERVED"] == {"make_payment": "PAYMENT"}
    assert len(definitions["transitions"]) == 16
