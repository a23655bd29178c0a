"""The operators' command for the access log: `python -m tasks.access_log check [--day 2026-11-25]`.

Prints each day's number of entries and the hash at its end, to be noted where nobody of the database comes. Exit
status: 0 whole, 1 broken (the line names day and entry), 2 wrong use, 3 PostgreSQL is away. What is cut from the end of
the newest day is missed only by who has noted its end.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date, timedelta

from core.clock import clock
from services.patients.access_chain import CheckedDay, chain_key, check_day, known_days
from services.stores import Stores
from tasks.arguments import read_day
from tasks.commands import end_command
from tasks.opening import open_stores


def check(here: Stores, day: date | None) -> int:
    key = chain_key(here.settings.secrets.pseudonym_key)
    kept_since = clock.now().date() - timedelta(days=here.settings.stores.access_log_keep_days)
    with here.unit_of_work() as work:
        days = [day] if day else known_days(work.session)
        checked = [check_day(work.session, key, one, kept_since) for one in days]
    for one in checked:
        sys.stdout.write(f"{_line(one)}\n")
    return int(any(one.broken for one in checked))


def _line(checked: CheckedDay) -> str:
    if checked.broken:
        return f"{checked.broken.day}  broken at entry {checked.broken.seq}: {checked.broken.why}"
    return f"{checked.day}  whole, {checked.entries} entries, ends with {checked.last_hash}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.access_log", description=__doc__)
    parser.add_argument("action", choices=("check",))
    parser.add_argument("--day", type=read_day, help="only this day (UTC)")
    options = parser.parse_args(arguments)
    here = open_stores()
    try:
        return check(here, options.day)
    finally:
        here.close()


if __name__ == "__main__":
    end_command(main)
