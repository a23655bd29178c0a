"""The operators' command for the event log: `python -m tasks.events epoch`, `... new-epoch`.

A new epoch is for after the restore of an older database, or the promotion of a replica that may have lagged: numbers
that readers have seen will be given again. Every reader is told once to start anew.
"""

import argparse
import sys
from collections.abc import Sequence

from core.clock import clock
from core.logs import configure_logs
from core.settings import load_settings
from services.delivery.epoch import begin_epoch
from services.delivery.event_log import read_epoch
from tasks.commands import end_command
from tasks.opening import open_stores


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.events", description=__doc__)
    parser.add_argument("action", choices=("epoch", "new-epoch"))
    options = parser.parse_args(arguments)
    configure_logs(load_settings().processes.log_level, "events")
    stores = open_stores()
    try:
        with stores.unit_of_work() as work:
            is_new = options.action == "new-epoch"
            epoch = begin_epoch(work.session, clock.now()) if is_new else read_epoch(work.session)
    finally:
        stores.close()
    sys.stdout.write(f"{epoch}\n")
    return 0


if __name__ == "__main__":
    end_command(main)
