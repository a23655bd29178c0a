"""The operators' command for the journey: `python -m tasks.journey.health [--fix]`. The journey's contract also has it
as `flask --app webapp check-state-health`, which becomes this one.

Checks that people and lines agree, that every step is one of the table, and that each visit has a chain without a gap.
`--fix` brings people where their entries say. Exit status: 0 healthy, or healthy after the fix; 1 findings; 2 wrong
use; 3 PostgreSQL is away.
"""

import argparse
import sys
from collections.abc import Sequence

from core.logs import configure_logs
from core.settings import load_settings
from services.journey.health import run_health_check
from tasks.commands import end_command
from tasks.opening import open_stores


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.journey.health", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="bring people where their entries say")
    options = parser.parse_args(arguments)
    configure_logs(load_settings().processes.log_level, "health")
    here = open_stores()
    try:
        lines, is_healthy = run_health_check(here.journeys, fix=options.fix)
    finally:
        here.close()
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return int(not is_healthy)


if __name__ == "__main__":
    end_command(main)
