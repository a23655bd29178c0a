"""Names that several rooms must agree on: every queue has a worker, every task exists, every setting is documented."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from string import ascii_letters
from typing import Any, cast

import pytest

from core import names
from core.clock import clock
from core.names import Queue, Step, Task, step_task
from core.settings import Settings, SettingsError, reference
from dev.local.programs import interviews_program, worker_program
from services.collection.paid_calls import PaidCalls
from services.collection.steps import build_handlers
from services.stores import build_stores
from webapp.jobs import build_task_sender

from .source import ROOT, modules

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
    "REDIS_URL": "redis://127.0.0.1/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1/0",
    "TILKO_API_KEY": "invented",
    "MEDIARC_API_URL": "http://127.0.0.1",
    "MEDIARC_API_KEY": "invented",
    "WELNO_SEALING_KEYS": "k:" + base64.b64encode(bytes(range(32))).decode(),
    "WELNO_JWT_SECRET": "invented: " + ascii_letters,
    "WELNO_PSEUDONYM_KEY": "another: " + ascii_letters,
    "WELNO_PASSWORD_PEPPER": "a third: " + ascii_letters,
    "WELNO_CONTROLLER": "invented",
    "WELNO_CONTROLLER_CONTACT": "privacy@welno.example",
}
_SHOW = """
import json, tasks.app as worker
worker.app.loader.import_default_modules()
names = [name for name in worker.app.tasks if name.startswith("welno.")]
queues = {name: worker.app.amqp.router.route({}, name)["queue"].name for name in names}
print(json.dumps({"queues": queues, "scheduled": [entry["task"] for entry in worker.app.conf.beat_schedule.values()]}))
"""


@pytest.fixture(scope="module")
def worker_names() -> dict[str, Any]:
    """What a worker knows; asked of a process of its own, as the app reads its settings."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **ENVIRONMENT}
    done = subprocess.run([sys.executable, "-c", _SHOW], check=True, cwd=ROOT, env=env, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def task_queues(worker_names: dict[str, Any]) -> dict[str, str]:
    """Every task, with its queue."""
    queues: dict[str, str] = worker_names["queues"]
    return queues


def test_every_named_task_exists_and_no_other(task_queues: dict[str, str]):
    assert set(task_queues) == {step_task(step) for step in Step} | {str(task) for task in Task}


def test_beat_sends_only_tasks_that_exist(worker_names: dict[str, Any]):
    assert set(worker_names["scheduled"]) <= set(worker_names["queues"])


def test_every_task_goes_to_a_queue_with_a_worker(task_queues: dict[str, str]):
    commands = [list(program.command) for program in (worker_program("worker"), interviews_program("interviews"))]
    served = {queue for command in commands for queue in command[command.index("-Q") + 1].split(",")}
    assert set(task_queues.values()) <= served == {str(queue) for queue in Queue}


def test_the_producer_sends_to_the_same_queues(task_queues: dict[str, str]):
    router = build_task_sender(ENVIRONMENT["CELERY_BROKER_URL"])._celery.amqp.router
    assert {name: router.route({}, name)["queue"].name for name in task_queues} == task_queues


def test_every_step_but_the_poll_has_a_handler():
    """The poller's is none."""
    nothing = cast(Any, None)
    handlers = build_handlers(
        tilko=nothing,
        mediarc=nothing,
        spool=nothing,
        calls=PaidCalls(nothing, nothing, clock, 10),
        importer=nothing,
        sessions=nothing,
        sealer=nothing,
        clock=clock,
        settings=Settings.read(ENVIRONMENT),
    )
    assert set(handlers) == set(Step) - {Step.POLL_SIMPLE_AUTH}


def test_every_prefix_of_subjects_has_a_kind():
    prefixes = {value for name, value in vars(names).items() if name.endswith("_PREFIX")}
    stores = build_stores(Settings.read(ENVIRONMENT), clock, lambda _: None)
    assert {kind.prefix for kind in stores.kinds} == prefixes


@pytest.mark.parametrize("subject", [name for name in vars(names) if name.endswith("_subject")])
def test_every_subject_has_a_writer_and_a_reader(subject: str):
    """Services tell its events, and the edge has a source for who follows them."""
    users = {module.room for module in modules() if f"{subject}(" in module.text}
    assert {"services", "webapp"} <= users


def test_the_settings_page_is_fresh():
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == reference()


def test_settings_are_complete_without_more_than_these():
    assert Settings.read(ENVIRONMENT).web.cookie_secure is True


@pytest.mark.parametrize("missing", ENVIRONMENT)
def test_a_missing_setting_stops_the_start_by_name(missing: str):
    environment = {name: value for name, value in ENVIRONMENT.items() if name != missing}
    with pytest.raises(SettingsError, match=missing):
        Settings.read(environment)


def test_an_unknown_setting_stops_the_start_by_name():
    with pytest.raises(SettingsError, match="WELNO_SESION_TTL"):
        Settings.read(ENVIRONMENT | {"WELNO_SESION_TTL": "1"})


def test_a_secret_may_come_from_a_file_and_is_never_shown(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text(f"in a file: {ascii_letters}\n", encoding="utf-8")
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "WELNO_JWT_SECRET"}
    settings = Settings.read(environment | {"WELNO_JWT_SECRET_FILE": str(path)})
    assert settings.secrets.jwt_secret == f"in a file: {ascii_letters}"
    assert ascii_letters not in repr(settings)
