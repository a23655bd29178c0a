"""The jobs of beat, as the app of this environment has them."""

import subprocess
import sys

import orjson

from dev.local.programs import ROOT

# In a process of its own: the app takes its settings from the environment as it is imported.
_PRINT = """
import json
from tasks.app import app
jobs = app.conf.beat_schedule.values()
print(json.dumps([app.conf.beat_scheduler, [job["options"]["expires"] for job in jobs if "options" in job]]))
"""


def test_a_worker_ten_minutes_ahead_of_beat_takes_a_job_that_was_just_sent(demo_env):
    command = (sys.executable, "-c", _PRINT)
    done = subprocess.run(command, env=demo_env, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    scheduler, expire_after_seconds = orjson.loads(done.stdout.splitlines()[-1])
    assert scheduler == "tasks.beat:SetBackTolerantScheduler"
    assert expire_after_seconds
    assert all(seconds > 600 for seconds in expire_after_seconds)
