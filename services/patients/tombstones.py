"""Tombstones: that a patient or session was erased, known by a hash, so that nothing late brings them back.

Plain hashes: the ids have more than a hundred random bits, so nobody finds one by trying.
"""

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.patients import Tombstone
from services.advisory_locks import lock_name, lock_name_shared


def bury(session: Session, ids: Iterable[UUID], now: datetime) -> None:
    """From the commit on. Waits for whoever is bringing one of them in just now. Twice is once."""
    for id_hash in sorted(map(_hash, ids)):
        lock_name(session, id_hash)
        row = {"id_hash": id_hash, "erased_at": now}
        session.execute(insert(Tombstone).values(row).on_conflict_do_nothing())


def is_buried(session: Session, one: UUID) -> bool:
    return bool(find_buried(session, [one]))


def is_buried_for_import(session: Session, patient_uuid: UUID) -> bool:
    """When not, nobody buries them before this transaction has ended."""
    lock_name_shared(session, _hash(patient_uuid))
    return is_buried(session, patient_uuid)


def find_buried(session: Session, ids: Collection[UUID]) -> set[UUID]:
    """Those of these ids that were erased."""
    by_hash = {_hash(one): one for one in ids}
    found = session.execute(select(Tombstone.id_hash).where(Tombstone.id_hash.in_(by_hash))).scalars()
    return {by_hash[id_hash] for id_hash in found}


def _hash(one: UUID) -> str:
    return hashlib.sha256(f"erased:{one}".encode()).hexdigest()
