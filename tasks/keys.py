"""The operators' command for sealing keys: `python -m tasks.keys count | reseal`.

`count` tells what is sealed with which key of WELNO_SEALING_KEYS, and with which that is not there. `reseal` seals
everything with the first key, so that the others can be removed; cut short, it goes on where it was when called again.

Exit status: 0 done, 1 something is sealed with a key that is not known, or could not be sealed anew, 2 wrong use,
3 PostgreSQL is away.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.clock import clock
from core.logs import configure_logs
from core.settings import load_settings
from services.collection.sealed_rows import count_row_keys, reseal_rows
from services.sealed_columns import SEALED_COLUMNS, SealedColumn, count_keys, reseal_batch
from services.stores import Stores
from spool import Spool, open_spool
from tasks.commands import end_command
from tasks.opening import open_stores

_BATCH = 200


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def count(stores: Stores, spool: Spool) -> int:
    """Prints a line for each key that is known or used. Returns the exit status."""
    with stores.sessions() as session:
        rows = count_row_keys(session) + count_keys(session)
    files = Counter({key_id or "not sealed": number for key_id, number in spool.count_sealing_keys().items()})
    known = stores.settings.secrets.sealing_keys
    unknown = sorted({*rows, *files} - set(known))
    for key_id in (*known, *unknown):
        says = "seals" if key_id == stores.sealer.current_key_id else "opens" if key_id in known else "NOT KNOWN"
        _write(f"{key_id:<32}  {says:<9}  {rows[key_id]:>9} in rows  {files[key_id]:>9} files")
    return 1 if unknown else 0


def reseal(stores: Stores, spool: Spool) -> int:
    """Prints what was done and what is left. Returns the exit status."""
    parts = [_reseal_rows(stores), *(_reseal_column(stores, sealed) for sealed in SEALED_COLUMNS)]
    done, unopened = (sum(counts) for counts in zip(*parts, strict=True))
    _write(f"rows: {done} sealed anew, {unopened} do not open")
    files = spool.reseal()
    _write(f"files: {files.done} sealed anew, {files.taken} in use, {files.unopened} do not open")
    status = count(stores, spool)
    return 1 if unopened or files.taken or files.unopened else status


def _reseal_rows(stores: Stores) -> tuple[int, int]:
    done, unopened = 0, set[UUID]()
    while True:
        with stores.unit_of_work() as work:
            batch = reseal_rows(work, stores.sealer, without=unopened, limit=_BATCH)
        if not batch.done and not batch.unopened:
            return done, len(unopened)
        done += batch.done
        unopened |= batch.unopened


def _reseal_column(stores: Stores, sealed: SealedColumn) -> tuple[int, int]:
    done = unopened = 0
    after: Any | None = None
    while True:
        with stores.unit_of_work() as work:
            batch = reseal_batch(work.session, stores.sealer, sealed, after=after, limit=_BATCH)
        done, unopened, after = done + batch.done, unopened + batch.unopened, batch.last
        if after is None:
            return done, unopened


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.keys", description=__doc__)
    parser.add_argument("action", choices=("count", "reseal"))
    options = parser.parse_args(arguments)
    configure_logs(load_settings().processes.log_level, "keys")
    stores = open_stores()
    spool = open_spool(stores.settings.files, stores.sealer, clock)
    spool.ensure_folders()
    try:
        return (count if options.action == "count" else reseal)(stores, spool)
    finally:
        stores.close()


if __name__ == "__main__":
    end_command(main)
