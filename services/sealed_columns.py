"""Columns whose values are sealed: with which keys, and sealing them anew, so that an older key can be removed.

Those of a collection's run stand in `services.collection.sealed_rows`: their copies in Redis go with them.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.logs import get_logger
from core.sealing import Sealer, SealError, key_id_of, key_id_of_text
from models.accounts import Account
from models.journey import JourneyUser, NfcTag, WebPushSubscription
from models.patients import Erasure, PatientKey, PatientSession
from models.threads import ThreadServiceDevice
from models.webhooks import Webhook
from services.accounts.second_factor import context_of as second_factor_context
from services.journey.dynamic_tags import sun_key_context
from services.journey.people import birth_date_context, phone_context
from services.journey.web_push.subscriptions import subscription_context
from services.patients.access_log import key_context
from services.patients.erasing import person_context
from services.patients.session_rows import visitor_context
from services.threads.service_device import device_context
from services.webhooks.signing import secret_context

log = get_logger(__name__)

_NOT_SEALED = "not sealed"


@dataclass(frozen=True)
class SealedColumn:
    """Bytes, or text where the column is one. `context` is what the seal is bound to; `key` is the table's, in whose
    order its rows are sealed anew."""

    column: InstrumentedAttribute[Any]
    key: InstrumentedAttribute[Any]
    context: Callable[[Any], str]

    @property
    def name(self) -> str:
        return f"{self.column.class_.__tablename__}.{self.column.key}"


SECOND_FACTORS = SealedColumn(
    Account.totp_secret, Account.account_id, lambda row: second_factor_context(row.account_id)
)
# A guard test wants each column of bytes here, or a reason why not.
SEALED_COLUMNS = (
    SECOND_FACTORS,
    SealedColumn(Account.totp_offered, Account.account_id, lambda row: second_factor_context(row.account_id)),
    SealedColumn(PatientKey.sealed_key, PatientKey.patient_uuid, lambda row: key_context(row.subject)),
    SealedColumn(Erasure.person, Erasure.id, lambda row: person_context(row.id)),
    SealedColumn(JourneyUser.phone, JourneyUser.user_id, lambda row: phone_context(row.user_id)),
    SealedColumn(JourneyUser.birth_date, JourneyUser.user_id, lambda row: birth_date_context(row.user_id)),
    SealedColumn(NfcTag.sun_key, NfcTag.tag_id, lambda row: sun_key_context(row.tag_id)),
    SealedColumn(
        WebPushSubscription.sealed,
        WebPushSubscription.endpoint_hash,
        lambda row: subscription_context(row.endpoint_hash),
    ),
    SealedColumn(PatientSession.sealed, PatientSession.id, lambda row: visitor_context(row.id)),
    SealedColumn(
        ThreadServiceDevice.sealed_keys, ThreadServiceDevice.device_id, lambda row: device_context(row.device_id)
    ),
    SealedColumn(Webhook.secret, Webhook.id, lambda row: secret_context(row.id)),
)


@dataclass(frozen=True)
class ResealedBatch:
    """`unopened` are damaged, or sealed with a key that is not known either. `last` is where the next one begins; None
    when there is nothing behind it."""

    done: int
    unopened: int
    last: Any | None


def count_keys(session: Session, columns: Iterable[SealedColumn] = SEALED_COLUMNS) -> Counter[str]:
    """Sealed values by the id of their key. Reads every row of the tables."""
    counted: Counter[str] = Counter()
    for sealed in columns:
        values = session.scalars(
            select(sealed.column).where(sealed.column.is_not(None)).execution_options(yield_per=1000)
        )
        counted.update(_key_id(value) or _NOT_SEALED for value in values)
    return counted


def reseal_batch(
    session: Session, sealer: Sealer, sealed: SealedColumn, *, after: Any | None, limit: int
) -> ResealedBatch:
    """Seal those of the next rows anew that are not sealed with the first key. Repeatable."""
    query = select(sealed.column.class_).where(sealed.column.is_not(None)).order_by(sealed.key).limit(limit)
    if after is not None:
        query = query.where(sealed.key > after)
    done = unopened = 0
    rows = session.scalars(query.with_for_update(key_share=True)).all()
    for row in rows:
        value = getattr(row, sealed.column.key)
        if _key_id(value) == sealer.current_key_id:
            continue
        try:
            setattr(row, sealed.column.key, _seal_anew(sealer, value, sealed.context(row)))
        except SealError as exc:
            log.warning("value_not_resealed", column=sealed.name, reason=str(exc))
            unopened += 1
        else:
            done += 1
    last = getattr(rows[-1], sealed.key.key) if len(rows) == limit else None
    return ResealedBatch(done, unopened, last)


def _key_id(value: str | bytes) -> str | None:
    return key_id_of_text(value) if isinstance(value, str) else key_id_of(bytes(value))


def _seal_anew(sealer: Sealer, value: str | bytes, context: str) -> str | bytes:
    if isinstance(value, str):
        return sealer.seal_text(sealer.open_text(value, context), context)
    return sealer.seal(sealer.open(bytes(value), context), context)
