"""The operators' command for threads: `python -m tasks.threads verify-audit [--thread=ID] | renew-service-device`.

`renew-service-device` revokes the back end's own device, deletes its private keys, and makes another one. A task, and
within a minute beat, then tells each thread in which something was sealed to the old one, and makes a new key there.
What was sealed to the old one, members' clients seal to the new one.

`verify-audit` prints each thread's number of entries and the head of its chain, to be noted where nobody of the
database comes. Exit status: 0 whole, 1 broken (the line names the entry), 2 wrong use.
"""

import argparse
import sys
from collections.abc import Sequence

from services.stores import Stores
from services.threads.audit import list_audited, verify_thread
from services.threads.audit_chain import VerifiedAudit
from services.threads.service_member import service_caller
from tasks.opening import open_stores


def verify_audit(here: Stores, thread_id: str | None) -> int:
    broken = 0
    with here.sessions() as session:
        for one in [thread_id] if thread_id else list_audited(session):
            verified = verify_thread(session, one)
            broken += verified is None or not verified.is_whole
            sys.stdout.write(f"{one}  {_describe(verified)}\n")
    return int(broken > 0)


def renew_service_device(here: Stores) -> int:
    with here.threads(service_caller("operator")) as unit:
        device_id = here.service_member.renew_device(unit)
    sys.stdout.write(f"the back end's device is {device_id}\n")
    return 0


def _describe(verified: VerifiedAudit | None) -> str:
    if verified is None:
        return "no such thread"
    if not verified.is_whole:
        return f"broken at entry {verified.broken_at}"
    return f"whole, {verified.count} entries, ends with {verified.head}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.threads", description=__doc__)
    parser.add_argument("action", choices=("verify-audit", "renew-service-device"))
    parser.add_argument("--thread", help="only this one; written as --thread=ID, as an id may begin with a hyphen")
    options = parser.parse_args(arguments)
    here = open_stores()
    try:
        if options.action == "renew-service-device":
            return renew_service_device(here)
        return verify_audit(here, options.thread)
    finally:
        here.close()


if __name__ == "__main__":
    sys.exit(main())
