"""Records that patients asked for: what the stores hold of each sending, and the sweep that goes on with them."""

import time
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.clock import clock
from dev.bench.chaos.workloads.threads.thread_history import StoredSending
from models.threads import RecordSending
from services.stores import Stores
from services.threads.record_messages import SentKind, read_records, summarize
from services.threads.record_sending import resend_sendings

# The product sends again after two minutes what nobody carries out: no run has to wait for them.
_LATER = timedelta(minutes=3)
_SWEPT_EVERY_SECONDS = 5.0


class RecordSendings:
    """Looked at past the proxies."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._swept_at = 0.0

    def are_ended(self) -> bool:
        """Where some are not, they are sent again as the product's sweep does a few minutes on."""
        with self._stores.sessions() as session:
            is_open = session.scalar(select(RecordSending.id).where(RecordSending.ended_at.is_(None)).limit(1))
        if is_open is not None and time.monotonic() - self._swept_at > _SWEPT_EVERY_SECONDS:
            self._swept_at = time.monotonic()
            with self._stores.unit_of_work() as work:
                resend_sendings(work, clock.now() + _LATER)
        return is_open is None

    def read(self) -> dict[str, StoredSending]:
        with self._stores.sessions() as session:
            rows = session.scalars(select(RecordSending)).all()
        return {str(row.id): self._describe(row) for row in rows}

    def _describe(self, row: RecordSending) -> StoredSending:
        """With the ids that whoever repeats it would write, too."""
        limit = self._stores.settings.threads.payload_max_bytes
        ids: set[UUID] = set()
        counts: dict[str, int] = {}
        for kind in map(SentKind, row.what):
            records = list(read_records(self._stores.sessions, row.patient_uuid, kind))
            counts[kind] = len(records)
            ids.update(one.dedupe_id for record in records for one in record.messages(row.id, limit))
        ids.add(summarize(row.id, counts).dedupe_id)
        return StoredSending(row.thread_id, row.result, frozenset(map(str, ids)))
