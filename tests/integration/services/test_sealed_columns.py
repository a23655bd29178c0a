"""Whatever is sealed in a column is counted by its key, and sealed anew with a new one, on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.derived_keys import MasterKey
from core.sealing import Sealer
from models import Table
from models.accounts import Account, AccountKind, AccountRole, Scope
from models.journey import JourneyUser, NfcTag, WebPushSubscription
from models.patients import DEFAULT_HOSPITAL, Erasure, ErasureState, Patient, PatientKey, PatientSession
from models.threads import DeviceState, ThreadDevice, ThreadServiceDevice
from models.webhooks import Webhook
from services.accounts.accounts import add_account, require_account
from services.accounts.logins import open_login
from services.sealed_columns import SEALED_COLUMNS, SealedColumn, count_keys, reseal_batch

OLD = Sealer({"old": bytes(range(32))})
BOTH = Sealer({"new": MasterKey(range(32, 64)), "old": bytes(range(32))})
NEW = Sealer({"new": MasterKey(range(32, 64))})
AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as session:
        yield session
        session.rollback()


def an_account(session: Session) -> Account:
    login = f"shift-{uuid4().hex[:8]}"
    add_account(session, AccountKind.OPERATOR, login, "밤 당번", "a hash", AccountRole.OPERATOR)
    return require_account(session, AccountKind.OPERATOR, login)


def a_patients_key(session: Session) -> PatientKey:
    person = {"name": "김하늘", "birth_date": date(1984, 5, 17), "phone": f"010{uuid4().int % 10**8:08}"}
    patient = Patient(uuid=uuid4(), hospital_id=DEFAULT_HOSPITAL, **person)
    session.add(patient)
    session.flush()
    return PatientKey(patient_uuid=patient.uuid, subject=uuid4().hex, sealed_key=b"")


def an_erasure(_session: Session) -> Erasure:
    return Erasure(
        id=uuid4(), pseudonym="p", state=ErasureState.RUNNING, person=b"", receipt={}, request_id="r", resend_at=AT
    )


def a_visit(_session: Session) -> PatientSession:
    return PatientSession(id=uuid4(), opened_by="password", created_at=AT, last_seen_at=AT)


def a_journey_user(_session: Session) -> JourneyUser:
    return JourneyUser(user_id=uuid4(), name="시연301", phone="", phone_hash="h", login_hash="h", birth_date="")


def a_tag(_session: Session) -> NfcTag:
    name = uuid4().hex
    return NfcTag(tag_id=f"T-{name[:8]}", tag_uid=name, tag_code=name, title="정문", floor=1, x=0.0, y=0.0, exam_ids=[])


def a_push_subscription(session: Session) -> WebPushSubscription:
    user = a_journey_user(session)
    session.add(user)
    session.flush()
    sid = open_login(session, "patient", user.user_id, Scope.JOURNEY)
    row = {"sid": sid, "user_id": user.user_id, "key_id": "k", "told_id": 0}
    return WebPushSubscription(endpoint_hash=uuid4().hex, sealed=b"", **row)


def a_webhook(_session: Session) -> Webhook:
    return Webhook(id=uuid4(), url="https://receiver.example/", secret=b"")


def a_service_device(session: Session) -> ThreadServiceDevice:
    keys = dict.fromkeys(("kem_key", "sign_key", "signed_at", "sig"), "k")
    device = ThreadDevice(device_id=uuid4(), member="service:welno", state=DeviceState.ACTIVE, **keys)
    session.add(device)
    session.flush()
    return ThreadServiceDevice(device_id=device.device_id, sealed_keys=b"")


ROWS: dict[type[Table], Callable[[Session], Table]] = {
    Account: an_account,
    PatientKey: a_patients_key,
    Erasure: an_erasure,
    PatientSession: a_visit,
    JourneyUser: a_journey_user,
    NfcTag: a_tag,
    WebPushSubscription: a_push_subscription,
    ThreadServiceDevice: a_service_device,
    Webhook: a_webhook,
}
each_column = pytest.mark.parametrize("sealed", SEALED_COLUMNS, ids=lambda sealed: sealed.name)


def put(session: Session, sealed: SealedColumn, count: int = 1) -> list[Table]:
    """Rows whose value was sealed with the old key."""
    rows = []
    for number in range(count):
        row = ROWS[sealed.column.class_](session)
        text, context = f"value {number}", sealed.context(row)
        is_text = sealed.column.type.python_type is str
        value = OLD.seal_text(text, context) if is_text else OLD.seal(text.encode(), context)
        setattr(row, sealed.column.key, value)
        session.add(row)
        rows.append(row)
    session.flush()
    return rows


def read(sealer: Sealer, sealed: SealedColumn, row: Table) -> str:
    value, context = getattr(row, sealed.column.key), sealed.context(row)
    return sealer.open_text(value, context) if isinstance(value, str) else sealer.open(value, context).decode()


@each_column
def test_what_is_sealed_with_an_old_key_is_counted_and_sealed_anew(session: Session, sealed: SealedColumn):
    [row] = put(session, sealed)
    assert count_keys(session, [sealed])["old"] == 1
    found = reseal_batch(session, BOTH, sealed, after=None, limit=1000)
    assert (found.done, found.unopened, found.last) == (1, 0, None)
    assert read(NEW, sealed, row) == "value 0"
    assert reseal_batch(session, BOTH, sealed, after=None, limit=1000).done == 0
    session.flush()
    assert count_keys(session, [sealed])["old"] == 0


@each_column
def test_what_a_lost_key_sealed_is_told_and_kept(session: Session, sealed: SealedColumn):
    [row] = put(session, sealed)
    before = getattr(row, sealed.column.key)
    assert reseal_batch(session, NEW, sealed, after=None, limit=1000).unopened == 1
    assert getattr(row, sealed.column.key) == before


def test_batches_go_on_where_the_one_before_ended(session: Session):
    sealed = next(one for one in SEALED_COLUMNS if one.column.class_ is PatientSession)
    rows = put(session, sealed, 5)
    done, after = [], None
    while True:
        batch = reseal_batch(session, BOTH, sealed, after=after, limit=2)
        done.append(batch.done)
        after = batch.last
        if after is None:
            break
    assert done == [2, 2, 1]
    kept = session.scalars(select(PatientSession).where(PatientSession.id.in_([row.id for row in rows])))  # type: ignore[attr-defined] # of this table
    assert {read(NEW, sealed, row) for row in kept} == {f"value {number}" for number in range(5)}
