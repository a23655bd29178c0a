"""Commands of `flask --app webapp`."""

import os
import sys

import click
from flask import Flask


def add_commands(app: Flask) -> None:
    @app.cli.command("check-state-health")
    @click.option("--fix", is_flag=True, help="Bring people where their entries say.")
    def check_state_health(*, fix: bool) -> None:
        """Become `python -m tasks.journey.health`, which docs/operations.md names: the journey's contract has this name
        for it, too."""
        command = [sys.executable, "-m", "tasks.journey.health", *(["--fix"] if fix else [])]
        os.execv(command[0], command)  # noqa: S606 no shell, and nothing of a caller's
