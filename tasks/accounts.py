"""The operators' command for accounts: `python -m tasks.accounts add | password | disable | enable | forget-totp`.

`changes` shows what was done to an account.

A password is read from standard input: an argument would stand in the shell's history and the list of processes.
Exit status: 0 done, 1 not possible (the sentence says why), 2 wrong use, 3 PostgreSQL is away.
"""

import argparse
import os
import platform
import pwd
import sys
from collections.abc import Callable, Sequence

from models.accounts import Account, AccountChangeKind, AccountKind, AccountRole
from services.accounts.account_changes import list_changes, record_change
from services.accounts.accounts import (
    AccountsError,
    add_account,
    change_password,
    check_password,
    disable_account,
    enable_account,
    find_or_add_company,
    require_account,
)
from services.accounts.second_factor import forget_secret
from services.delivery.unit_of_work import Work
from services.stores import Stores
from tasks.commands import end_command
from tasks.opening import open_stores


def add(here: Stores, options: argparse.Namespace) -> str:
    password_hash = _hashed(here, options)
    kind, role = AccountKind(options.kind), AccountRole(options.role or options.kind)
    with here.unit_of_work() as work:
        company_id = find_or_add_company(work.session, options.company) if options.company else None
        account_id = add_account(
            work.session, kind, options.login, options.name, password_hash, role, company_id=company_id
        )
        _record(work, work.session.get_one(Account, account_id), AccountChangeKind.ADDED, options)
    return str(account_id)


def set_password(here: Stores, options: argparse.Namespace) -> str:
    password_hash = _hashed(here, options)
    with here.unit_of_work() as work:
        account = require_account(work.session, AccountKind(options.kind), options.login)
        change_password(work, account, password_hash)
        _record(work, account, AccountChangeKind.PASSWORD_CHANGED, options)
    return "changed; whoever was signed in is no longer"


def disable(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        account = require_account(work.session, AccountKind(options.kind), options.login)
        disable_account(work, account)
        _record(work, account, AccountChangeKind.DISABLED, options)
    return "disabled; whoever was signed in is no longer"


def enable(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        account = require_account(work.session, AccountKind(options.kind), options.login)
        enable_account(account)
        _record(work, account, AccountChangeKind.ENABLED, options)
    return "enabled"


def forget_totp(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        account = require_account(work.session, AccountKind(options.kind), options.login)
        forget_secret(work, account)
        _record(work, account, AccountChangeKind.SECOND_FACTOR_FORGOTTEN, options)
    return "forgotten; a new second factor is set up at the next sign-in"


def show_changes(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        account = require_account(work.session, AccountKind(options.kind), options.login)
        changes = list_changes(work.session, account.account_id)
        return "\n".join(f"{one.changed_at:%Y-%m-%dT%H:%M:%SZ}  {one.what}  {one.role}  by {one.by}" for one in changes)


def _record(work: Work, account: Account, what: AccountChangeKind, options: argparse.Namespace) -> None:
    record_change(work.session, account, what, options.by or f"the user {_own_name()} of {platform.node()}")


def _own_name() -> str:
    """As the machine knows who runs the command; a number where it has no name for it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _hashed(here: Stores, options: argparse.Namespace) -> str:
    """Raises PasswordTooShort, PasswordTooEasy."""
    password = sys.stdin.readline().rstrip("\r\n")
    check_password(password, options.login)
    return here.password_hashes.hash(password)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tasks.accounts", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    actions: dict[str, tuple[Callable[[Stores, argparse.Namespace], str], str]] = {
        "add": (add, "make an account; its password is the line on standard input"),
        "password": (set_password, "give it another password, the line on standard input"),
        "disable": (disable, "let it sign in no more, and throw it out"),
        "enable": (enable, "let a disabled one sign in again"),
        "forget-totp": (forget_totp, "for who has lost the authenticator"),
        "changes": (show_changes, "who gave it which access, and when"),
    }
    for verb, (action, words) in actions.items():
        sub = verbs.add_parser(verb, help=words)
        sub.add_argument("login")
        sub.add_argument("--kind", choices=[kind.value for kind in AccountKind], default=AccountKind.OPERATOR.value)
        if verb == "add":
            sub.add_argument("--name", required=True, help="how the person is called")
            sub.add_argument("--role", choices=[role.value for role in AccountRole], help="default: as the kind")
            sub.add_argument("--company", help="of a member, whose login is an e-mail address; made when it is new")
        sub.add_argument("--by", help="who does this; it is recorded for good (default: the machine's user)")
        sub.set_defaults(run=action)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    here = open_stores()
    try:
        said = options.run(here, options)
    except AccountsError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    finally:
        here.close()
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    end_command(main)
