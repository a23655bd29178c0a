"""The operators' command for accounts: `python -m tasks.accounts add | password | disable | enable | forget-totp`.

A password is read from standard input: an argument would stand in the shell's history and the list of processes.
Exit status: 0 done, 1 not possible (the sentence says why), 2 wrong use.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from models.accounts import AccountKind, AccountRole
from services.accounts.accounts import (
    AccountsError,
    add_account,
    change_password,
    check_password_length,
    disable_account,
    enable_account,
    require_account,
)
from services.accounts.second_factor import forget_secret
from services.stores import Stores
from tasks.opening import open_stores


def add(here: Stores, options: argparse.Namespace) -> str:
    password_hash = _hashed(here)
    kind, role = AccountKind(options.kind), AccountRole(options.role or options.kind)
    with here.unit_of_work() as work:
        account_id = add_account(work.session, kind, options.login, options.name, password_hash, role)
    return str(account_id)


def set_password(here: Stores, options: argparse.Namespace) -> str:
    password_hash = _hashed(here)
    with here.unit_of_work() as work:
        account = require_account(work.session, AccountKind(options.kind), options.login)
        change_password(work, account, password_hash)
    return "changed; whoever was signed in is no longer"


def disable(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        disable_account(work, require_account(work.session, AccountKind(options.kind), options.login))
    return "disabled; whoever was signed in is no longer"


def enable(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        enable_account(require_account(work.session, AccountKind(options.kind), options.login))
    return "enabled"


def forget_totp(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        forget_secret(work, require_account(work.session, AccountKind(options.kind), options.login))
    return "forgotten; a new second factor is set up at the next sign-in"


def _hashed(here: Stores) -> str:
    """Raises PasswordTooShort."""
    password = sys.stdin.readline().rstrip("\r\n")
    check_password_length(password)
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
    }
    for verb, (action, words) in actions.items():
        sub = verbs.add_parser(verb, help=words)
        sub.add_argument("login")
        sub.add_argument("--kind", choices=[kind.value for kind in AccountKind], default=AccountKind.OPERATOR.value)
        if verb == "add":
            sub.add_argument("--name", required=True, help="how the person is called")
            sub.add_argument("--role", choices=[role.value for role in AccountRole], help="default: as the kind")
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
    sys.exit(main())
