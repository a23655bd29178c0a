"""Which key sealed the accounts' second factors, and sealing them anew, so that an older key can be removed."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.logs import get_logger
from core.sealing import Sealer, SealError, key_id_of_text
from models.accounts import Account
from services.accounts.second_factor import context_of

log = get_logger(__name__)

_WITH_SECRET = select(Account).where(Account.totp_secret.is_not(None))


@dataclass(frozen=True)
class ResealedSecrets:
    """`unopened` are damaged, or sealed with a key that is not known either."""

    done: int
    unopened: int


def count_secret_keys(session: Session) -> Counter[str]:
    """By the id of the key."""
    accounts = session.scalars(_WITH_SECRET)
    return Counter(key_id_of_text(str(account.totp_secret)) or "not sealed" for account in accounts)


def reseal_secrets(session: Session, sealer: Sealer) -> ResealedSecrets:
    """Seal those anew that are not sealed with the first key. Accounts are few: in one transaction. Repeatable."""
    done = unopened = 0
    for account in session.scalars(_WITH_SECRET.with_for_update()):
        sealed, context = str(account.totp_secret), context_of(account.account_id)
        if key_id_of_text(sealed) == sealer.current_key_id:
            continue
        try:
            account.totp_secret = sealer.seal_text(sealer.open_text(sealed, context), context)
        except SealError as exc:
            log.warning("second_factor_not_resealed", account_id=str(account.account_id), reason=str(exc))
            unopened += 1
        else:
            done += 1
    return ResealedSecrets(done, unopened)
