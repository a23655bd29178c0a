"""What a worker's main process does before its children are forked."""

import subprocess
import sys

from dev.local.programs import ROOT

# In a process of its own, as a worker is: here everything has been imported by other tests.
_WORKER = """
import gc, ssl, sys
import tasks.collection.steps
from tasks.app import app, settings
from tasks.runtime import build_runtime, prepare_fork

def tls_contexts():
    return {id(one) for one in gc.get_objects() if isinstance(one, ssl.SSLContext)}

prepare_fork()
modules, contexts = set(sys.modules), tls_contexts()
build_runtime(settings, app, "worker").close()
new = {name for name in set(sys.modules) - modules if not name.startswith("celery.")}  # a worker has them
print(sorted(new), len(tls_contexts() - contexts))
"""


def test_a_child_imports_nothing_and_reads_no_authorities(demo_env):
    command = (sys.executable, "-c", _WORKER)
    worker = subprocess.run(command, env=demo_env, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    assert worker.stdout.splitlines()[-1] == "[] 0"
