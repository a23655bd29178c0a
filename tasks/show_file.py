"""Prints one file of the spool for an operator who may see it: `python -m tasks.show_file NAME --by YOU --reason WHY`.

The look is in the access log before anything is printed. Exit status: 1 damaged or unreadable, with the reason; 2 wrong
use, or no such file.
"""

import argparse
import sys
from collections.abc import Sequence
from uuid import UUID

from core.clock import clock
from models.patients import AccessedWhat, ActorKind
from services.delivery.task_sender import TaskSender
from services.patients.access_log import Actor, Look
from services.stores import Stores, build_stores
from spool import Package, Spool, SpoolError, UnknownFile
from spool.packages import build_document
from tasks.app import app, settings


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.show_file", description="Print one file of the spool.")
    parser.add_argument("name", help="the name of the file, without its folder")
    parser.add_argument("--by", required=True, help="who you are; it stands in the access log")
    parser.add_argument("--reason", required=True, help="why; it stands there too, sealed, for the person to read")
    options = parser.parse_args(arguments)
    here = build_stores(settings, clock, TaskSender(app))
    try:
        package = Spool(settings.files.data_dir, here.sealer, clock).export(options.name)
        _record(here, package, options.by, options.reason)
    except SpoolError as exc:
        sys.stderr.write(f"cannot show this file: {exc.reason}\n")
        return 2 if isinstance(exc, UnknownFile) else 1
    finally:
        here.close()
    sys.stdout.buffer.write(build_document(package) + b"\n")
    return 0


def _record(here: Stores, package: Package, name: str, reason: str) -> None:
    look = Look(
        Actor(ActorKind.STAFF, name, role="command"),
        AccessedWhat.FILE,
        UUID(package.metadata.patient_uuid),
        reason=reason,
    )
    with here.unit_of_work() as work:
        here.access_log.record(work.session, look, clock.now())


if __name__ == "__main__":
    sys.exit(main())
