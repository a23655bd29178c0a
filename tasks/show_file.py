"""Prints one file of the spool for an operator who may see it: `python -m tasks.show_file NAME --by YOU --reason WHY`.

A package is shown as its document, a parked answer (`.raw`) as what was known of it and its bytes as they came. The
look is in the access log before anything is printed. Exit status: 1 damaged or unreadable, with the reason; 2 wrong
use, or no such file.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from core.clock import clock
from models.patients import AccessedWhat, ActorKind
from services.collection.operators import find_person
from services.patients.access_log import Actor, Look
from services.stores import Stores
from spool import Spool, SpoolError, UnknownFile, open_spool
from spool.names import parse_name
from spool.packages import build_document
from tasks.commands import end_command
from tasks.opening import open_stores
from tasks.reasons import stated_name, stated_reason


@dataclass(frozen=True, repr=False)
class _Shown:
    """What is printed; `patient_uuid` is not known of an answer, only whose session it was asked in."""

    document: bytes
    session_id: UUID
    patient_uuid: UUID | None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.show_file", description="Print one file of the spool.")
    parser.add_argument("name", help="the name of the file, without its folder")
    parser.add_argument("--by", required=True, type=stated_name, help="who you are; it stands in the access log")
    parser.add_argument(
        "--reason", required=True, type=stated_reason, help="why; it stands there too, sealed, for the person to read"
    )
    options = parser.parse_args(arguments)
    here = open_stores()
    try:
        shown = _read(open_spool(here.settings.files, here.sealer, clock), options.name)
        _record(here, shown, options.by, options.reason)
    except SpoolError as exc:
        sys.stderr.write(f"cannot show this file: {exc.reason}\n")
        return 2 if isinstance(exc, UnknownFile) else 1
    finally:
        here.close()
    sys.stdout.buffer.write(shown.document + b"\n")
    return 0


def _read(spool: Spool, name: str) -> _Shown:
    """Raises SpoolError."""
    if name.endswith(".raw"):
        answer = spool.read_parked(name)
        document = orjson.dumps(dict(answer.about)) + b"\n" + answer.body
        return _Shown(document, UUID(parse_name(name).session_id), None)
    package = spool.export(name)
    metadata = package.metadata
    return _Shown(build_document(package), UUID(metadata.session_id), UUID(metadata.patient_uuid))


def _record(here: Stores, shown: _Shown, name: str, reason: str) -> None:
    actor = Actor(ActorKind.STAFF, name, role="command")
    with here.unit_of_work() as work:
        patient_uuid = shown.patient_uuid or find_person(work.session, shown.session_id)
        here.access_log.record(work.session, Look(actor, AccessedWhat.FILE, patient_uuid, reason=reason), clock.now())


if __name__ == "__main__":
    end_command(main)
