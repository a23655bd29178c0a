"""The access log: who looked at whose records, when, from where; append-only, chained by hashes per day."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Moment, Table


class ActorKind(StrEnum):
    """Who looks: a person by their session, password or link to an archive, staff by account or command, a process, or
    whoever was given a link by the person."""

    SESSION = "session"
    PASSWORD = "password"  # noqa: S105 a kind
    LINK = "link"
    STAFF = "staff"
    PROCESS = "process"
    RECIPIENT = "recipient"


# A person is told from where they themselves looked, not where others sit.
OWN_KINDS = frozenset({ActorKind.SESSION, ActorKind.PASSWORD, ActorKind.LINK})


class AccessedWhat(StrEnum):
    """What was looked at, or done with it."""

    CHECKUPS = "checkups"
    PRESCRIPTIONS = "prescriptions"
    REPORT = "report"
    CONSENTS = "consents"
    ACCESS_LOG = "access_log"
    EXPORT = "export"
    FILE = "file"
    ERASURE = "erasure"
    JOIN = "join"
    UNDO_JOIN = "undo_join"
    SHARE = "share"
    SHARED = "shared"
    SESSIONS = "sessions"
    JOURNEY = "journey"
    JOURNEY_SEARCH = "journey_search"
    JOURNEY_ACTION = "journey_action"


# A hospital's staff at their work, and what shows nobody anything: none of it opens records.
NO_OPENING = frozenset(
    {AccessedWhat.SESSIONS, AccessedWhat.JOURNEY, AccessedWhat.JOURNEY_SEARCH, AccessedWhat.JOURNEY_ACTION}
)


class AccessEntry(Table):
    """One look. PostgreSQL parts the table by day (UTC) and refuses to change or delete a row, also to its owner.

    `subject` is the pseudonym of whose records, `actor` of who looked. `sealed` holds address, name and reason, under
    the patient's key: once that is destroyed, nobody reads them, and the row and the chain stay. `entry_hash` covers
    all other columns; `previous_hash` is that of the day's row before.
    """

    __tablename__ = "welno_access_log"
    __table_args__ = (
        Index(None, "subject", "day", "seq"),
        {"postgresql_partition_by": "RANGE (day)"},
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    subject: Mapped[str | None]
    actor_kind: Mapped[str]
    actor_role: Mapped[str | None]
    actor: Mapped[str]
    what: Mapped[str]
    sealed: Mapped[bytes]
    previous_hash: Mapped[bytes]
    entry_hash: Mapped[bytes]


class AccessDay(Table):
    """Where a day's chain ends. Its row lock gives the day's entries their order.

    `previous_day`, `previous_seq` and `previous_hash` are the end of the newest day before, when this one began: the
    day's first hash covers them. None for the first day, and for days that the code before began.
    """

    __tablename__ = "welno_access_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    last_seq: Mapped[int]
    last_hash: Mapped[bytes]
    previous_day: Mapped[date | None]
    previous_seq: Mapped[int | None]
    previous_hash: Mapped[bytes | None]


class PatientKey(Table):
    """The key under which the access log seals what names people, itself sealed; gone with its patient.

    `subject` is the patient's pseudonym: also who knows only that writes under the key.
    """

    __tablename__ = "welno_patient_keys"

    patient_uuid: Mapped[UUID] = mapped_column(
        ForeignKey("welno.welno_patients.uuid", ondelete="CASCADE"), primary_key=True
    )
    subject: Mapped[str] = mapped_column(unique=True)
    sealed_key: Mapped[bytes]
    created_at: Mapped[CreatedAt]
