"""The operators' commands, each in a process of its own: forked from one in which the imports are done."""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from dev.local.programs import ROOT

# To import takes a second of a core and a command some milliseconds. None of these reads the environment as it is
# imported, as `tasks.app` does: that one each command imports itself, from its own environment.
_IMPORTED = (
    "alembic.config",
    "celery.app.amqp",
    "celery.app.log",
    "celery.concurrency",
    "celery.schedules",
    "core.broker",
    "core.logs",
    "kombu.transport.redis",
    "pytest",  # the main module of whoever starts the processes; each would import it anew
    "services.accounts.second_factor",
    "services.stores",
)
_SECONDS = 60
_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(list(_IMPORTED))


class Ended(NamedTuple):
    status: int
    output: str
    errors: str


def run_command(module: str, *arguments: str, env: Mapping[str, str], typed: str = "") -> Ended:
    """`python -m module arguments`, with `env` and nothing else of the environment but PATH, and `typed` as its input.

    That each can be started from nothing is for tests/integration/core/test_start.py.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "0").write_text(typed, "utf-8")
        whole = {"PATH": os.environ["PATH"], **env}
        process = _FORKING.Process(target=_run, args=(folder, whole, (module, *arguments)))
        process.start()
        process.join(_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        return Ended(process.exitcode or 0, (folder / "1").read_text("utf-8"), (folder / "2").read_text("utf-8"))


def _run(folder: Path, env: Mapping[str, str], command: tuple[str, ...]) -> None:
    with ExitStack() as files:
        for descriptor, mode in enumerate(("rb", "wb", "wb")):
            os.dup2(files.enter_context((folder / str(descriptor)).open(mode)).fileno(), descriptor)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = list(command)
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
