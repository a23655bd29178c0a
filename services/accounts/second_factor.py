"""The second factor of operators: time-based one-time passwords (TOTP, RFC 6238) of 30 seconds and six digits.

The secret is sealed at rest. A code is taken once: whoever reads one over a shoulder cannot use it again. The phone's
clock may be a step off in either direction.
"""

from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import update
from sqlalchemy.orm import Session

from core.sealing import Sealer
from models.accounts import Account, RevokedWhy
from services.accounts.logins import end_logins
from services.delivery.unit_of_work import Work

_STEP_SECONDS = 30
_STEPS_OFF = (0, -1, 1)
_ISSUER = "WELNO"


def offer_secret(account: Account, sealer: Sealer) -> str:
    """A new secret, as the `otpauth:` address that authenticators read from a QR code. The present one, if there is
    one, holds until a code of the new one was shown."""
    secret = pyotp.random_base32()
    account.totp_offered = sealer.seal_text(secret, context_of(account.account_id))
    return pyotp.TOTP(secret).provisioning_uri(name=account.login, issuer_name=_ISSUER)


def confirm_secret(work: Work, account: Account, sealer: Sealer, code: str, now: datetime, *, keep: UUID) -> bool:
    """Whether the code is of the offered secret; from then on codes of it are asked for, and of the account's logins
    only `keep` holds. The caller holds the account's row."""
    offered = _offered_to(account)
    fitting = _fitting_steps(account, offered, sealer, code, now) if offered is not None else []
    if not fitting or (offered == account.totp_secret and max(fitting) <= account.totp_counter):
        return False
    account.totp_secret, account.totp_offered = offered, None
    account.totp_confirmed, account.totp_counter = True, max(fitting)
    work.session.flush()
    end_logins(work, account.account_id, RevokedWhy.SECOND_FACTOR_CHANGED, keep=keep)
    return True


def _offered_to(account: Account) -> str | None:
    """Processes of the version before write the offer where the secret stands."""
    return account.totp_offered or (None if account.totp_confirmed else account.totp_secret)


def forget_secret(work: Work, account: Account) -> None:
    """For who has lost the authenticator: whoever is signed in by it is no longer."""
    account.totp_secret = account.totp_offered = None
    account.totp_confirmed = False
    end_logins(work, account.account_id, RevokedWhy.SECOND_FACTOR_FORGOTTEN)


def take_code(session: Session, account: Account, sealer: Sealer, code: str, now: datetime) -> bool:
    """Whether the code is right and was not taken before; it is taken now. Raises SealError."""
    if account.totp_secret is None:
        return False
    fitting = _fitting_steps(account, account.totp_secret, sealer, code, now)
    return bool(fitting) and _take_step(session, account.account_id, max(fitting))


def _fitting_steps(account: Account, sealed: str, sealer: Sealer, code: str, now: datetime) -> list[int]:
    totp = pyotp.TOTP(sealer.open_text(sealed, context_of(account.account_id)))
    present = int(now.timestamp()) // _STEP_SECONDS
    return [present + off for off in _STEPS_OFF if pyotp.utils.strings_equal(totp.generate_otp(present + off), code)]


def _take_step(session: Session, account_id: UUID, step: int) -> bool:
    """One statement, so that of two that show the same code one is let in."""
    unused = (Account.account_id == account_id) & (Account.totp_counter < step)
    statement = update(Account).where(unused).values(totp_counter=step).returning(Account.account_id)
    return session.scalar(statement) is not None


def context_of(account_id: UUID) -> str:
    return f"totp:{account_id}"
