"""Prints one file of the spool for an operator who may see it: `python -m spool.show NAME`.

Reads WELNO_SEALING_KEYS ("id:base64,id2:base64", the first seals) and TILKO_DATA_DIR. Exit code 1: damaged or
unreadable, with the reason; 2: wrong use, or no such file.
"""

import argparse
import base64
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.clock import Clock
from core.sealing import Sealer
from spool.errors import SpoolError, UnknownFile
from spool.packages import build_document
from spool.store import Spool


def read_keys(text: str) -> dict[str, bytes]:
    """Raises ValueError without repeating any part of a key."""
    pairs = (pair.strip().partition(":") for pair in text.split(",") if pair.strip())
    try:
        return {key_id: base64.b64decode(encoded, validate=True) for key_id, _, encoded in pairs}
    except ValueError:
        raise ValueError("WELNO_SEALING_KEYS is not of the form id:base64,id2:base64") from None


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m spool.show", description="Print one file of the spool as JSON.")
    parser.add_argument("name", help="the name of the file, without its folder")
    name = parser.parse_args(arguments).name
    try:
        sealer = Sealer(read_keys(environment.get("WELNO_SEALING_KEYS", "")))
    except ValueError as exc:
        return _refuse(str(exc), 2)
    spool = Spool(Path(environment.get("TILKO_DATA_DIR", "tilko_data")), sealer, Clock())
    try:
        document = build_document(spool.export(name))
    except SpoolError as exc:
        return _refuse(exc.reason, 2 if isinstance(exc, UnknownFile) else 1)
    sys.stdout.buffer.write(document + b"\n")
    return 0


def _refuse(reason: str, code: int) -> int:
    sys.stderr.write(f"cannot show this file: {reason}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
