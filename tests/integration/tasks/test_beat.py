"""The jobs of beat, as the app of this environment has them."""

import subprocess
import sys

import orjson

from core.names import Task
from dev.local.programs import ROOT
from tests.waiting import COMMAND_SECONDS

# In a process of its own: the app takes its settings from the environment as it is imported.
_PRINT = """
import json
from tasks.app import app
jobs = app.conf.beat_schedule.values()
expiries = [job["options"]["expires"] for job in jobs if "options" in job]
print(json.dumps([app.conf.beat_scheduler, expiries, [job["task"] for job in jobs]]))
"""


def read_jobs(env):
    command = (sys.executable, "-c", _PRINT)
    done = subprocess.run(
        command, env=env, cwd=ROOT, check=True, capture_output=True, text=True, timeout=COMMAND_SECONDS
    )
    return orjson.loads(done.stdout.splitlines()[-1])


def test_what_has_to_be_done_again_and_again_is_a_job(demo_env):
    *_, tasks = read_jobs(demo_env)
    assert {Task.ERASE_INTERVIEWS, Task.SYNC_KNOWLEDGE, Task.DELETE_HEALTH_LINK_FILES} <= set(tasks)


def test_a_worker_ten_minutes_ahead_of_beat_takes_a_job_that_was_just_sent(demo_env):
    scheduler, expire_after_seconds, _ = read_jobs(demo_env)
    assert scheduler == "tasks.beat:SetBackTolerantScheduler"
    assert expire_after_seconds
    assert all(seconds > 600 for seconds in expire_after_seconds)
