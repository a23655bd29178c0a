"""Every task of the app tells of its errors by their type alone."""

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
from tasks.failing import RedactingTask
app.loader.import_default_modules()
ours = {name: isinstance(task, RedactingTask) for name, task in app.tasks.items() if name.startswith("welno.")}
print(json.dumps(ours))
"""


def test_every_task_is_discreet(demo_env: dict[str, str]):
    command = (sys.executable, "-c", _PRINT)
    done = subprocess.run(
        command, env=demo_env, cwd=ROOT, check=True, capture_output=True, text=True, timeout=COMMAND_SECONDS
    )
    found = orjson.loads(done.stdout.splitlines()[-1])
    assert set(Task) <= set(found)
    assert all(found.values())
