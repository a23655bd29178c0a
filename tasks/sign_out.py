"""Ends every session of somebody who cannot: `python -m tasks.sign_out ID --by YOU --reason WHY`.

As for a phone that was lost, reported by telephone. ID is a patient's, a session's, an account's or a login's, or the
pseudonym under which a patient stands in the access log. The person reads there that it was done, and why. Exit status:
0 done, 1 nobody has this id, 2 wrong use, 3 PostgreSQL is away.
"""

import argparse
import sys
from collections.abc import Sequence

from core.clock import clock
from models.patients import ActorKind
from services.operator_sign_out import NobodyNamed, SignOutOrder, sign_out_named
from services.patients.access_log import Actor
from tasks.arguments import read_id_or_pseudonym
from tasks.commands import end_command
from tasks.opening import open_stores
from tasks.reasons import stated_name, stated_reason


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.sign_out", description=__doc__)
    parser.add_argument("id", type=read_id_or_pseudonym, help="of a patient, session, account or login, or a pseudonym")
    parser.add_argument("--by", required=True, type=stated_name, help="who you are; it stands in the access log")
    parser.add_argument("--reason", required=True, type=stated_reason, help="why; it stands there too, sealed")
    options = parser.parse_args(arguments)
    order = SignOutOrder(options.id, Actor(ActorKind.STAFF, options.by, role="command"), options.reason)
    here = open_stores()
    try:
        with here.unit_of_work() as work:
            ended = sign_out_named(work, here, order, clock.now())
    except NobodyNamed:
        sys.stderr.write("nobody has this id\n")
        return 1
    finally:
        here.close()
    sys.stdout.write(f"ended {ended}\n")
    return 0


if __name__ == "__main__":
    end_command(main)
