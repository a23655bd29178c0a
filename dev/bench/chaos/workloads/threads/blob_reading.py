"""Larger things at the end of a run: read whole by members over HTTP, and swept as a day later."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import httpx
from sqlalchemy import select

from core.clock import clock
from core.settings import Settings
from dev.bench.chaos.workloads.threads.blob_actors import PlannedBlob
from dev.bench.chaos.workloads.threads.members import BenchMember
from dev.bench.chaos.workloads.threads.thread_history import BlobHistory
from models.threads import ThreadBlob
from services.stores import Stores
from services.threads.blob_retention import sweep_blobs
from services.threads.encoding import hash_bytes
from spool import Spool, StreamedFiles

_GIVEN_UP_AFTER = timedelta(days=1, minutes=1)
_TIMEOUT_SECONDS = 30.0


def read_blobs(
    stores: Stores, env: Mapping[str, str], url: str, readers: Mapping[BenchMember, Iterable[PlannedBlob]]
) -> BlobHistory:
    """Of all that were completed, by each who may read them."""
    history = BlobHistory()
    read: dict[str, dict[str, str | None]] = {}
    with httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS) as http:
        for reader, blobs in readers.items():
            for blob in blobs:
                read.setdefault(blob.id, {})[reader.member] = _read(http, reader, blob)
                history.completed = {**history.completed, blob.id: blob.hash}
    history.read = read
    files = _open_files(stores, env)
    keep_days = stores.settings.threads.keep_days
    sweep_blobs(stores.unit_of_work, files, clock.now() + _GIVEN_UP_AFTER, keep_days)
    with stores.sessions() as session:
        rows = session.scalars(select(ThreadBlob)).all()
    history.kept = frozenset(str(row.blob_id) for row in rows)
    history.odd_files = _find_odd_files(files, rows)
    return history


def _read(http: httpx.Client, reader: BenchMember, blob: PlannedBlob) -> str | None:
    reply = http.get(blob.path, headers={"Authorization": f"Bearer {reader.token}"})
    return hash_bytes(reply.content) if reply.status_code == 200 else None


def _open_files(stores: Stores, env: Mapping[str, str]) -> StreamedFiles:
    return Spool(Settings.read(dict(env)).files.data_dir, stores.sealer, clock).blobs


def _find_odd_files(files: StreamedFiles, rows: Sequence[ThreadBlob]) -> list[str]:
    parts = {row.file_id: {part["name"] for part in row.parts.values()} for row in rows}
    there = {owner: set(files.names(owner)) for owner in files.owners()}
    return [f"{owner}/{name}" for owner, names in there.items() for name in names - parts.get(owner, set())]
