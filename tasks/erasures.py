"""The operators' command for erasures: `python -m tasks.erasures start UUID --by NAME --reason WHY | show ID`.

`start` is for who cannot ask by themselves, such as a person who wrote a letter. Exit status: 0 done, 1 not possible
(the sentence says why), 2 wrong use, 3 PostgreSQL is away.
"""

import argparse
import secrets
import sys
from collections.abc import Sequence
from uuid import UUID

from core.clock import clock
from models.patients import ActorKind, Erasure
from services.patients.access_log import Actor
from services.personal_data import KEPT_PLACES, ErasureOrder, UnknownPatient, start_erasures
from services.stores import Stores
from tasks.commands import end_command
from tasks.opening import open_stores
from tasks.reasons import stated_name, stated_reason


def start(here: Stores, options: argparse.Namespace) -> int:
    actor = Actor(ActorKind.STAFF, options.by, role="command")
    order = ErasureOrder(options.patient_uuid, actor, secrets.token_hex(8), options.reason)
    try:
        with here.unit_of_work() as work:
            erasure_ids = start_erasures(work, here, order, clock.now())
    except UnknownPatient:
        sys.stderr.write("no such patient\n")
        return 1
    sys.stdout.writelines(f"{erasure_id}\n" for erasure_id in erasure_ids)
    return 0


def show(here: Stores, options: argparse.Namespace) -> int:
    with here.sessions() as session:
        erasure = session.get(Erasure, options.erasure_id)
    if erasure is None:
        sys.stderr.write("no such erasure\n")
        return 1
    ended = f", completed {erasure.completed_at:%F %T}Z" if erasure.completed_at else f", next: {erasure.step}"
    sys.stdout.write(f"{erasure.state}, asked for {erasure.requested_at:%F %T}Z{ended}\n")
    sys.stdout.write(f"in the access log as {erasure.pseudonym}\n")
    for place, count in sorted(erasure.receipt.items()):
        sys.stdout.write(f"  erased  {place:<14} {count}\n")
    sys.stdout.write("".join(f"  kept    {place}\n" for place in KEPT_PLACES))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tasks.erasures", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    starting = verbs.add_parser("start", help="erase all that is stored of a patient")
    starting.add_argument("patient_uuid", type=UUID)
    starting.add_argument("--by", required=True, type=stated_name, help="who you are; it stands in the access log")
    starting.add_argument("--reason", required=True, type=stated_reason, help="why; it stands there too, sealed")
    starting.set_defaults(run=start)
    showing = verbs.add_parser("show", help="an erasure's receipt")
    showing.add_argument("erasure_id", type=UUID)
    showing.set_defaults(run=show)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    here = open_stores()
    try:
        status: int = options.run(here, options)
    finally:
        here.close()
    return status


if __name__ == "__main__":
    end_command(main)
