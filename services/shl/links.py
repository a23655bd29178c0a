"""A patient's own side of SMART Health Links: making them, replacing their files, ending them, seeing who came."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, not_, or_, select, true
from sqlalchemy.orm import Session, aliased

from models.patients import Patient
from models.shl import HealthLink, HealthLinkFetch, HealthLinkFile
from services.shl.errors import ExpiredAlready, LinkNotFound, MalformedFiles, TooManyLinks
from services.shl.files import EncryptedFile, check_files

MAX_TRIES = 10
_ID_BYTES = 32
_FETCHES_SHOWN = 50
_ENDED_SHOWN = 200


@dataclass(frozen=True, repr=False)
class NewLink:
    """What the patient wants; `passcode_hash` is made before, as that takes long."""

    files: Sequence[EncryptedFile]
    label: str | None = None
    expires_at: datetime | None = None
    is_long_term: bool = False
    passcode_hash: str | None = None


@dataclass(frozen=True)
class FileSummary:
    content_type: str
    length: int
    updated_at: datetime


@dataclass(frozen=True)
class OwnLink:
    """One link with who came, newest first."""

    link: HealthLink
    files: Sequence[FileSummary]
    fetches: Sequence[HealthLinkFetch]


def is_active(now: datetime) -> ColumnElement[bool]:
    """Of links that may be opened, and whose patient is not being erased."""
    in_time = or_(HealthLink.expires_at.is_(None), HealthLink.expires_at > now)
    patient = select(Patient.uuid).where(Patient.uuid == HealthLink.patient_uuid, Patient.erasing_since.is_(None))
    return and_(HealthLink.revoked_at.is_(None), HealthLink.locked_at.is_(None), in_time, patient.exists())


def make_link(session: Session, patient_uuid: UUID, new: NewLink, now: datetime, links_max: int) -> HealthLink:
    """Raises MalformedFiles, ExpiredAlready, TooManyLinks, LinkNotFound (the patient is being erased)."""
    check_files(new.files)
    if new.expires_at is not None and new.expires_at <= now:
        raise ExpiredAlready
    _lock_patient(session, patient_uuid)
    theirs = select(func.count()).where(HealthLink.patient_uuid == patient_uuid, is_active(now))
    if session.execute(theirs).scalar_one() >= links_max:
        raise TooManyLinks
    link = HealthLink(
        id=secrets.token_urlsafe(_ID_BYTES),
        patient_uuid=patient_uuid,
        label=new.label,
        is_long_term=new.is_long_term,
        passcode_hash=new.passcode_hash,
        wrong_tries=0,
        created_at=now,
        expires_at=new.expires_at,
    )
    session.add(link)
    session.flush()
    _write_files(session, link.id, new.files, now)
    return link


def replace_files(
    session: Session, patient_uuid: UUID, link_id: str, files: Sequence[EncryptedFile], now: datetime
) -> None:
    """All of them; locations of the old ones end. Raises MalformedFiles, also for a nonce of the old ones, and
    LinkNotFound."""
    check_files(files)
    link = _lock_own(session, patient_uuid, link_id, now)
    old = session.scalars(select(HealthLinkFile).where(HealthLinkFile.link_id == link.id)).all()
    used = {EncryptedFile(one.content_type, one.jwe).nonce for one in old}
    for position, file in enumerate(files):
        if file.nonce in used:
            raise MalformedFiles(position)
    _delete_files(session, link.id)
    _write_files(session, link.id, files, now)


def end_link(session: Session, patient_uuid: UUID, link_id: str, now: datetime) -> None:
    """Its files go at once. One that has ended otherwise is ended, too; twice is once. Raises LinkNotFound."""
    query = select(HealthLink).where(HealthLink.id == link_id, HealthLink.patient_uuid == patient_uuid)
    link = session.scalar(query.with_for_update())
    if link is None:
        raise LinkNotFound
    link.revoked_at = link.revoked_at or now
    _delete_files(session, link.id)


def list_links(session: Session, patient_uuid: UUID, now: datetime) -> list[OwnLink]:
    """Newest first: all that are active, and the newest of those that have ended."""
    order = (HealthLink.created_at.desc(), HealthLink.id)
    theirs = HealthLink.patient_uuid == patient_uuid
    ended = select(HealthLink.id).where(theirs, not_(is_active(now))).order_by(*order).limit(_ENDED_SHOWN)
    # However many have ended since: one that opens stands here, or nobody could end it.
    shown = or_(is_active(now), HealthLink.id.in_(ended))
    links = session.scalars(select(HealthLink).where(theirs, shown).order_by(*order)).all()
    ids = [link.id for link in links]
    files = _summarize_files(session, ids)
    fetches = _newest_fetches(session, ids)
    return [OwnLink(link, files.get(link.id, []), fetches.get(link.id, [])) for link in links]


def _lock_patient(session: Session, patient_uuid: UUID) -> None:
    """So that two at once are counted one after the other, and none is made behind an erasure."""
    query = select(Patient.uuid).where(Patient.uuid == patient_uuid, Patient.erasing_since.is_(None))
    if session.scalar(query.with_for_update(key_share=True)) is None:
        raise LinkNotFound


def _lock_own(session: Session, patient_uuid: UUID, link_id: str, now: datetime) -> HealthLink:
    theirs = (HealthLink.id == link_id, HealthLink.patient_uuid == patient_uuid, is_active(now))
    link = session.scalar(select(HealthLink).where(*theirs).with_for_update(of=HealthLink))
    if link is None:
        raise LinkNotFound
    return link


def _write_files(session: Session, link_id: str, files: Sequence[EncryptedFile], now: datetime) -> None:
    session.add_all(
        HealthLinkFile(link_id=link_id, position=position, content_type=file.content_type, jwe=file.jwe, updated_at=now)
        for position, file in enumerate(files)
    )
    session.flush()


def _delete_files(session: Session, link_id: str) -> None:
    session.execute(delete(HealthLinkFile).where(HealthLinkFile.link_id == link_id))
    session.expire_all()


def _summarize_files(session: Session, ids: Sequence[str]) -> dict[str, list[FileSummary]]:
    length = func.octet_length(HealthLinkFile.jwe)  # all ASCII; its characters could only be counted by reading it
    query = select(HealthLinkFile.link_id, HealthLinkFile.content_type, length, HealthLinkFile.updated_at)
    found: dict[str, list[FileSummary]] = {}
    for row in session.execute(query.where(HealthLinkFile.link_id.in_(ids)).order_by(HealthLinkFile.position)):
        found.setdefault(row[0], []).append(FileSummary(row[1], row[2], row[3]))
    return found


def _newest_fetches(session: Session, ids: Sequence[str]) -> dict[str, list[HealthLinkFetch]]:
    theirs = select(HealthLinkFetch).where(HealthLinkFetch.link_id == HealthLink.id)
    newest = theirs.order_by(HealthLinkFetch.at.desc()).limit(_FETCHES_SHOWN).correlate(HealthLink).lateral()
    shown = aliased(HealthLinkFetch, newest)
    query = select(shown).select_from(HealthLink).join(shown, true()).where(HealthLink.id.in_(ids))
    found: dict[str, list[HealthLinkFetch]] = {}
    for fetch in session.scalars(query.order_by(shown.at.desc())):
        found.setdefault(fetch.link_id, []).append(fetch)
    return found
