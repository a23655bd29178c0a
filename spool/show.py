"""Prints one file of the spool for an operator who may see it: `python -m spool.show NAME`.

A package is shown as its document, a parked answer (`.raw`) as what was known of it and its bytes as they came.

Reads two settings, WELNO_SEALING_KEYS and TILKO_DATA_DIR, and works where the others are not set. Exit code 1: damaged
or unreadable, with the reason; 2: wrong use, or no such file.
"""

import argparse
import sys
from collections.abc import Sequence

import orjson

from core.clock import Clock
from core.sealing import Sealer
from core.settings import load_values
from spool.errors import SpoolError, UnknownFile
from spool.packages import build_document
from spool.store import Spool


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m spool.show", description="Print one file of the spool as JSON.")
    parser.add_argument("name", help="the name of the file, without its folder")
    name = parser.parse_args(arguments).name
    keys, folder = load_values("WELNO_SEALING_KEYS", "TILKO_DATA_DIR")
    spool = Spool(folder, Sealer(keys), Clock())
    try:
        document = _show_answer(spool, name) if name.endswith(".raw") else build_document(spool.export(name))
    except SpoolError as exc:
        return _refuse(exc.reason, 2 if isinstance(exc, UnknownFile) else 1)
    sys.stdout.buffer.write(document + b"\n")
    return 0


def _show_answer(spool: Spool, name: str) -> bytes:
    """What was known of it on one line, then its bytes as they came."""
    answer = spool.read_parked(name)
    return orjson.dumps(dict(answer.about)) + b"\n" + answer.body


def _refuse(reason: str, code: int) -> int:
    sys.stderr.write(f"cannot show this file: {reason}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
