"""Signing in to an account: login, password and, where it is asked for, a code of the second factor.

Unknown login, wrong password, disabled account and wrong code are one answer, after the same work.

Errors: SignInError (not retryable) > SignInFailed, CodeNeeded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import Clock
from core.sealing import Sealer
from models.accounts import Account, AccountKind, Scope
from services.accounts.accounts import find_account
from services.accounts.hashing import PasswordHashes, Run
from services.accounts.logins import open_login
from services.accounts.second_factor import take_code
from services.delivery.unit_of_work import UnitOfWork

SCOPE_OF = {
    AccountKind.OPERATOR: Scope.OPERATIONS,
    AccountKind.STAFF: Scope.JOURNEY,
    AccountKind.MEMBER: Scope.INTERVIEWS,
}


class SignInError(Exception):
    """Nobody is signed in."""

    retryable = False


class SignInFailed(SignInError):
    """Something does not fit; not said what."""


class CodeNeeded(SignInError):
    """Login and password fit; a code of the second factor must go with them."""


@dataclass(frozen=True)
class SignedIn:
    """Who it is, and the login for their tokens."""

    account: Account
    sid: UUID


class SignIn:
    """Opens its own short transactions around the slow comparison."""

    def __init__(
        self, unit_of_work: UnitOfWork, hashes: PasswordHashes, sealer: Sealer, clock: Clock, run: Run
    ) -> None:
        self._unit_of_work = unit_of_work
        self._hashes = hashes
        self._sealer = sealer
        self._clock = clock
        self._run = run

    def __call__(
        self,
        kinds: Sequence[AccountKind],
        login: str,
        password: str,
        code: str | None = None,
        *,
        refresh_id: str | None = None,
    ) -> SignedIn:
        """`code` is asked for once the account has confirmed a second factor; `refresh_id` is of the login's first
        refresh token, where its kind has them. Raises SignInFailed, CodeNeeded."""
        with self._unit_of_work() as work:
            found = find_account(work.session, kinds, login)
        if found is None:
            self._run(self._hashes.hash, password)  # takes as long as a comparison
            raise SignInFailed("login, password or code")
        check = self._run(self._hashes.check, found.password_hash, password)
        if not check.matches:
            raise SignInFailed("login, password or code")
        new_hash = self._run(self._hashes.hash, password) if check.needs_rehash else None
        with self._unit_of_work() as work:
            # A password that was changed during the comparison is not the one that was compared.
            account = work.session.get_one(Account, found.account_id, with_for_update=True)
            if account.password_hash != found.password_hash or not account.is_active:
                raise SignInFailed("login, password or code")
            account.password_hash = new_hash or account.password_hash
            return self._open(work.session, account, code, refresh_id)

    def _open(self, session: Session, account: Account, code: str | None, refresh_id: str | None) -> SignedIn:
        if account.totp_confirmed:
            if code is None:
                raise CodeNeeded("login and password fit")
            if not take_code(session, account, self._sealer, code, self._clock.now()):
                raise SignInFailed("login, password or code")
        kind = AccountKind(account.kind)
        scope, is_second = SCOPE_OF[kind], account.totp_confirmed
        sid = open_login(session, kind, account.account_id, scope, refresh_id=refresh_id, second_factor=is_second)
        return SignedIn(account, sid)
