"""The operators' command that moves the spool's files from TILKO_DATA_DIR into the bucket of TILKO_DATA_URL:
`python -m tasks.move_files [--back]`.

Every process of the product must have been started with TILKO_DATA_MOVING=true before. Each file goes from the folder
only after its copy was read back and is the same. Cut at any moment, the command goes on where it was when called
again. `--back` moves everything into the folder, while no process of the product runs.

Exit status: 0 nothing is left, 1 some file could not be moved, or the place refused, 2 wrong use.
"""

import argparse
import sys
import threading
import time
from collections.abc import Sequence

from core.logs import configure_logs
from core.sealing import Sealer
from core.settings import load_settings
from spool import FileTaken, MovedFiles, Mover, SpoolError, open_mover

_PAUSE_SECONDS = 1.0
# A process that looked just before the move began may still be writing to the older place.
_LONGEST_WRITE_SECONDS = 15


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def move(mover: Mover) -> int:
    """Until a look at all files finds none that can be moved. Returns the exit status. Raises SpoolError."""
    with mover.alone():
        last = time.monotonic() + _LONGEST_WRITE_SECONDS
        while True:
            is_last = time.monotonic() >= last
            moved = mover.move_all()
            if moved.done or is_last:
                _tell(moved)
            if is_last and not moved.done and not moved.waiting:
                return 1 if moved.differing or moved.unopened else 0
            if not moved.done:
                threading.Event().wait(_PAUSE_SECONDS)


def _tell(moved: MovedFiles) -> None:
    _write(
        f"{moved.done} moved, {moved.waiting} in use, {moved.differing} differ in both places, "
        f"{moved.unopened} do not open"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.move_files", description="Move the spool into its bucket.")
    parser.add_argument("--back", action="store_true", help="from the bucket into the folder; no process may run")
    options = parser.parse_args(arguments)
    settings = load_settings()
    configure_logs(settings.processes.log_level, "move_files")
    if not settings.files.data_url:
        sys.stderr.write("TILKO_DATA_URL names no bucket\n")
        return 2
    try:
        return move(open_mover(settings.files, Sealer(settings.secrets.sealing_keys), is_back=options.back))
    except FileTaken:
        sys.stderr.write("another process is moving the files\n")
    except SpoolError as exc:
        sys.stderr.write(f"refused: {exc.reason}; call the command again\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
