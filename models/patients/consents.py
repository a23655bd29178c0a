"""Consents: what a person agreed to, one row per kind and session, and which kinds a collection needs."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.table import Moment, Table


class ConsentKind(StrEnum):
    """In the order in which they are asked for."""

    SERVICE = "service"
    COLLECTION = "collection"
    SENSITIVE = "sensitive"
    THIRD_PARTY_TILKO = "third_party_tilko"
    THIRD_PARTY_MEDIARC = "third_party_mediarc"


class ConsentEnd(StrEnum):
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ERASED = "erased"


# Without one of these nothing is collected; the report needs its own beside them.
COLLECTING_KINDS = frozenset(ConsentKind) - {ConsentKind.THIRD_PARTY_MEDIARC}


def needed_consents(*, wants_report: bool) -> frozenset[ConsentKind]:
    return frozenset(ConsentKind) if wants_report else COLLECTING_KINDS


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=column)


class Consent(Table):
    """That a person agreed to one text, when by the database's clock, until when, and how it ended.

    `text_version` and `text_sha256` are of the very text that was shown. `claimed_uuid` is who the person says they are
    (the uuid that this name, birth date and phone derive); `patient_uuid` who they proved to be, from the step that
    identifies them on. Neither is left when the person is erased.
    """

    __tablename__ = "welno_consents"
    __table_args__ = (
        _one_of("kind", ConsentKind),
        _one_of("ended_how", ConsentEnd),
        CheckConstraint("(ended_at is null) = (ended_how is null)", name="ended_for_a_reason"),
        CheckConstraint("expires_at > given_at", name="expires_later"),
        UniqueConstraint("session_id", "kind"),
        Index(None, "patient_uuid", "id"),
        Index("ix_welno_consents_claimed", "claimed_uuid"),
        Index("ix_welno_consents_expires_at", "expires_at", postgresql_where=text("ended_at is null")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[UUID]
    kind: Mapped[str]
    claimed_uuid: Mapped[UUID | None]
    patient_uuid: Mapped[UUID | None] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="SET NULL"))
    text_version: Mapped[str]
    text_sha256: Mapped[str]
    given_at: Mapped[Moment] = mapped_column(server_default=func.now())
    expires_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
    ended_how: Mapped[str | None]
