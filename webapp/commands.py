"""Commands of `flask --app webapp`."""

import click
from flask import Flask

from services.journey.health import run_health_check
from webapp.current import stores


def add_commands(app: Flask) -> None:
    @app.cli.command("check-state-health")
    @click.option("--fix", is_flag=True, help="Bring people where their entries say.")
    def check_state_health(*, fix: bool) -> None:
        """Check that people and lines of the journey agree; exit status 1 for findings."""
        lines, is_healthy = run_health_check(stores().journeys, fix=fix)
        click.echo("\n".join(lines))
        raise SystemExit(int(not is_healthy))
