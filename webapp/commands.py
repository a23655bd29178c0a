"""Commands of `flask --app webapp`."""

import os
import sys
from pathlib import Path

import click
from flask import Flask

_ROOT = Path(__file__).resolve().parents[1]
# In any folder, which stays the current one, and whatever is called `tasks` there (-P).
_RUN = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1));"
    " runpy.run_module('tasks.journey.health', run_name='__main__', alter_sys=True)"
)


def add_commands(app: Flask) -> None:
    @app.cli.command("check-state-health")
    @click.option("--fix", is_flag=True, help="Bring people where their entries say.")
    def check_state_health(*, fix: bool) -> None:
        """Become `python -m tasks.journey.health`, which docs/operations.md names: the journey's contract has this name
        for it, too."""
        command = [sys.executable, "-P", "-c", _RUN, str(_ROOT), *(["--fix"] if fix else [])]
        os.execv(command[0], command)  # noqa: S606 no shell, and nothing of a caller's
