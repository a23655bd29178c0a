"""gunicorn as in production: one gevent worker, patched before anything else is imported."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from types import ModuleType  # noqa: E402
from typing import Any  # noqa: E402

# The package as a plain folder: its __init__ wires the whole product, of which the relay needs nothing, and importing
# that would be most of what each of these servers costs.
_WEBAPP = ModuleType("webapp")
_WEBAPP.__path__ = [str(Path(__file__).resolve().parents[3] / "webapp")]
sys.modules["webapp"] = _WEBAPP

from webapp.relay.draining import drain_at_exit, drain_when_stopped  # noqa: E402

workers = 1
worker_class = "gevent"
graceful_timeout = 10
keepalive = 10  # the head of a request may take as long: tests run on machines that others use too
loglevel = "warning"


def post_worker_init(worker: Any) -> None:
    drain_when_stopped(worker, worker.wsgi.extensions["relay"])


def worker_exit(_server: Any, worker: Any) -> None:
    drain_at_exit(worker.wsgi.extensions["relay"])
