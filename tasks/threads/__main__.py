"""The operators' command for threads: `python -m tasks.threads verify-audit [--thread=ID] | renew-service-device |
admit-device --login=LOGIN --fingerprint="ABCD ..." --by=YOU`.

`renew-service-device` revokes the back end's own device, deletes its private keys, and makes another one. A task, and
within a minute beat, then tells each thread in which something was sealed to the old one, and makes a new key there.
What was sealed to the old one, members' clients seal to the new one.

`admit-device` makes a device of a member of staff active that waits for an approval which none of their devices, and no
recovery code, can give any more. Its fingerprint is what its page shows: have the person read it out, and be sure that
it is they. All their threads hear `device_added`; in the audits stand `reset`, and `operator` in the request's place,
and who did it in the record of the account (`python -m tasks.accounts changes`).

`verify-audit` prints each thread's number of entries and the head of its chain, to be noted where nobody of the
database comes. Exit status: 0 whole or done, 1 broken (the line names the entry) or not possible, 2 wrong use, 3
PostgreSQL is away.
"""

import argparse
import sys
from collections.abc import Sequence

from models.accounts import AccountChangeKind, AccountKind
from services.accounts.account_changes import record_change
from services.accounts.accounts import AccountsError, require_account
from services.stores import Stores
from services.threads.audit import AuditedCaller, list_audited, verify_thread
from services.threads.audit_chain import VerifiedAudit
from services.threads.devices import admit_device
from services.threads.encoding import staff_member
from services.threads.errors import DeviceNotFound
from services.threads.service_member import service_caller
from tasks.commands import end_command
from tasks.opening import open_stores

# In the audits, in the place of a request's id.
_OPERATOR = "operator"
_OF_ADMISSIONS = ("login", "fingerprint", "by")


def verify_audit(here: Stores, thread_id: str | None) -> int:
    broken = 0
    with here.sessions() as session:
        for one in [thread_id] if thread_id else list_audited(session):
            verified = verify_thread(session, one)
            broken += verified is None or not verified.is_whole
            sys.stdout.write(f"{one}  {_describe(verified)}\n")
    return int(broken > 0)


def renew_service_device(here: Stores) -> int:
    with here.threads(service_caller(_OPERATOR)) as unit:
        device_id = here.service_member.renew_device(unit)
    sys.stdout.write(f"the back end's device is {device_id}\n")
    return 0


def admit(here: Stores, login: str, fingerprint: str, by: str) -> int:
    try:
        with here.unit_of_work() as work:
            account = require_account(work.session, AccountKind.STAFF, login)
            caller = AuditedCaller(staff_member(account.account_id), None, _OPERATOR)
            device_id = admit_device(here.threads.enter(work, caller), fingerprint).device_id
            record_change(work.session, account, AccountChangeKind.THREAD_DEVICE_ADMITTED, by)
    except AccountsError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    except DeviceNotFound:
        sys.stderr.write("no device of theirs waits for an approval with this fingerprint\n")
        return 1
    sys.stdout.write(f"{device_id} is active\n")
    return 0


def _describe(verified: VerifiedAudit | None) -> str:
    if verified is None:
        return "no such thread"
    if not verified.is_whole:
        return f"broken at entry {verified.broken_at}"
    return f"whole, {verified.count} entries, ends with {verified.head}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.threads", description=__doc__)
    parser.add_argument("action", choices=("verify-audit", "renew-service-device", "admit-device"))
    parser.add_argument("--thread", help="only this one; written as --thread=ID, as an id may begin with a hyphen")
    parser.add_argument("--login", help="whose device is admitted")
    parser.add_argument("--fingerprint", help="of that device, as its page shows it: six groups of four letters")
    parser.add_argument("--by", help="who admits it; it is recorded for good")
    options = parser.parse_args(arguments)
    given = [name for name in _OF_ADMISSIONS if getattr(options, name)]
    if given != (list(_OF_ADMISSIONS) if options.action == "admit-device" else []):
        parser.error("admit-device takes --login, --fingerprint and --by, and nothing else does")
    here = open_stores()
    try:
        if options.action == "renew-service-device":
            return renew_service_device(here)
        if options.action == "admit-device":
            return admit(here, options.login, options.fingerprint, options.by)
        return verify_audit(here, options.thread)
    finally:
        here.close()


if __name__ == "__main__":
    end_command(main)
