"""Larger things of threads: taking them in parts, and telling them as whole once all parts are there and proved.

A part is named in its blob's row before its file is written under that name, which is new for each content: so the
bounds hold however many come at once, no file is ever changed, and what the row names and the disk lacks is missing.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from models.threads import MemberRole, ThreadBlob
from services.threads.acting import (
    AuditedAttempt,
    LockedThread,
    OwnKind,
    ThreadUnitOfWork,
    ThreadWork,
    lock_own,
    lock_thread,
)
from services.threads.audit import AuditedCaller
from services.threads.audit_chain import AuditAction
from services.threads.blob_chunks import sealed_length
from services.threads.blob_retention import drop_files
from services.threads.encoding import hash_bytes
from services.threads.errors import (
    BlobConflict,
    BlobHashMismatch,
    BlobIncomplete,
    BlobNotFound,
    BlobTooLarge,
    ThreadRoleTooSmall,
    ThreadsError,
    TooManyBlobs,
)
from services.threads.reading import find_thread
from spool import DamagedFile, StreamedFiles, UnknownFile

PART_MAX_BYTES = 1024 * 1024
# As many as chunks: nobody has to send more than one chunk at once.
LAST_PART = 320
# A folder, and a file of one octet, take a block of the disk.
_BLOCK_BYTES = 4096

Offload = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class BlobPart:
    """A part's file, and what it holds."""

    name: str
    size: int
    hash: str

    @classmethod
    def of(cls, number: int, content: bytes) -> "BlobPart":
        return cls(f"{number}-{uuid4().hex}", len(content), hash_bytes(content))


@dataclass(frozen=True)
class StoredBlob:
    """A whole one. `parts` are in their order."""

    file_id: UUID
    sealed_hash: str
    parts: tuple[BlobPart, ...]

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def read(self, files: StreamedFiles, first: int, end: int, offload: Offload) -> Iterator[bytes]:
        """From one byte to before another, by parts, each of which was found to be whole. Raises BlobNotFound where
        it was erased meanwhile, DamagedFile, SealedWithUnknownKey, StorageFault."""
        begin = 0
        for part in self.parts:
            if begin < end and begin + part.size > first:
                content = offload(_read_part, files, self.file_id, part)
                yield content[max(0, first - begin) : end - begin]
            begin += part.size


@dataclass(frozen=True)
class BlobRoom:
    """Takes and gives larger things. `offload` runs what computes, or waits for the disk."""

    threads: ThreadUnitOfWork
    files: StreamedFiles
    offload: Offload

    def put_part(self, caller: AuditedCaller, thread_id: str, blob_id: UUID, number: int, content: bytes) -> None:
        """Durable. The same again changes nothing; another content takes its place until the blob is complete.

        Raises ThreadNotFound, ThreadRoleTooSmall, BlobConflict, BlobTooLarge, TooManyBlobs, StorageFault.
        """
        part = self.offload(BlobPart.of, number, content)
        with self.threads(caller, attempt=AuditedAttempt(AuditAction.BLOB_PUT, thread_id)) as unit:
            named = _name_part(unit, thread_id, blob_id, number, part)
        if named.is_complete:
            return
        self.offload(self.files.put, named.file_id, named.name, content)
        with self.threads(caller) as unit:
            is_ours = _is_named(unit, named.file_id, number, named.name)
        if named.replaced is not None:
            self.offload(self.files.drop, named.file_id, named.replaced)
        if not is_ours:
            # Another content came after it, or the blob is gone.
            self.offload(self.files.drop, named.file_id, named.name)
            raise BlobConflict

    def complete(self, caller: AuditedCaller, thread_id: str, blob_id: UUID, *, count: int, sealed_hash: str) -> int:
        """Its length. From now on others may read it; after the same again, by the same member, also those who came
        meanwhile.

        Raises ThreadNotFound, ThreadRoleTooSmall, BlobNotFound, BlobConflict, BlobIncomplete, BlobHashMismatch,
        SealedWithUnknownKey, StorageFault.
        """
        attempt = AuditedAttempt(AuditAction.BLOB_PUT, thread_id)
        with self.threads(caller, attempt=attempt) as unit:
            _require_writer(unit, thread_id)
            row = _find_own(unit, thread_id, blob_id)
            numbers, was_complete = _numbers_of(row), row.completed_at is not None
            blob = StoredBlob(row.file_id, sealed_hash, _parts_of(row))
        # Without a lock: no file is ever changed, and whether it is still these is looked at in the end.
        fault = None if was_complete else _fault_of_numbers(numbers, count) or self._find_fault(blob, numbers)
        with self.threads(caller, attempt=attempt) as unit:
            if fault is not None:
                raise fault
            _note_complete(lock_thread(unit, thread_id, MemberRole.WRITER), blob_id, blob, count)
        self.offload(self._drop_others, blob)
        return blob.size

    def open(self, caller: AuditedCaller, thread_id: str, blob_id: UUID) -> StoredBlob:
        """For a member who may read it; it is audited. Raises ThreadNotFound, BlobNotFound."""
        attempt = AuditedAttempt(AuditAction.BLOB_GET, thread_id)
        with self.threads(caller, only_reads=True, attempt=attempt) as unit:
            locked = lock_thread(unit, thread_id)
            row = unit.session.get(ThreadBlob, (thread_id, blob_id))
            if row is None or row.sealed_hash is None or not _may_see(locked, row):
                raise BlobNotFound
            locked.audit(AuditAction.BLOB_GET)
            return StoredBlob(row.file_id, row.sealed_hash, _parts_of(row))

    def drop_closed(self, file_ids: Sequence[UUID]) -> None:
        """The files of blobs that went with their thread. What the disk refuses is left to the sweep."""
        self.offload(drop_files, self.files, file_ids)

    def _find_fault(self, blob: StoredBlob, numbers: list[int]) -> ThreadsError | None:
        """Whether all parts are on the disk, and together what they should be."""
        digest, missing = hashlib.sha256(), []
        for number, part in zip(numbers, blob.parts, strict=True):
            try:
                digest.update(self.offload(self.files.read_whole, blob.file_id, part.name))
            except (UnknownFile, DamagedFile):
                missing.append(number)
        if missing:
            return _incomplete(missing)
        return None if f"sha256:{digest.hexdigest()}" == blob.sealed_hash else BlobHashMismatch()

    def _drop_others(self, blob: StoredBlob) -> None:
        """What a writer that died has left beside the blob's own parts."""
        for name in {*self.files.names(blob.file_id)} - {part.name for part in blob.parts}:
            self.files.drop(blob.file_id, name)


@dataclass(frozen=True, slots=True)
class NamedPart:
    """Where a part's file belongs, and whose place it takes. Of a complete blob there is nothing to write."""

    file_id: UUID
    name: str
    replaced: str | None
    is_complete: bool


def _name_part(unit: ThreadWork, thread_id: str, blob_id: UUID, number: int, part: BlobPart) -> NamedPart:
    # Of who may not no lock is taken.
    _require_writer(unit, thread_id)
    # A member's bounds are over all of their threads.
    lock_own(unit, OwnKind.BLOBS)
    # Again under the lock: it may have been closed since, with all that was put up in it.
    lock_thread(unit, thread_id, MemberRole.WRITER)
    row = _lock_blob(unit, thread_id, blob_id)
    before = row.parts.get(str(number))
    is_same = before is not None and before["hash"] == part.hash
    if row.member != unit.member or (row.completed_at is not None and not is_same):
        raise BlobConflict
    if row.completed_at is None and not is_same:
        row.parts = row.parts | {str(number): asdict(part)}
        sizes = [one["size"] for one in row.parts.values()]
        row.size_bytes, row.charged_bytes = sum(sizes), _charge_of(sizes)
        _require_room(unit, row)
    row.changed_at = func.clock_timestamp()
    replaced = None if before is None or is_same else before["name"]
    return NamedPart(row.file_id, row.parts[str(number)]["name"], replaced, row.completed_at is not None)


def _lock_blob(unit: ThreadWork, thread_id: str, blob_id: UUID) -> ThreadBlob:
    """Its row, a new one where there is none."""
    new = {"thread_id": thread_id, "blob_id": blob_id, "file_id": uuid4(), "member": unit.member}
    # Changes nothing of one that is there but locks it. The sweep may be giving it up: then a new one is written.
    locks = (
        insert(ThreadBlob)
        .values(new)
        .on_conflict_do_update(index_elements=[ThreadBlob.thread_id, ThreadBlob.blob_id], set_={"blob_id": blob_id})
    )
    unit.session.execute(locks)
    return unit.session.get_one(ThreadBlob, (thread_id, blob_id))


def _charge_of(sizes: Iterable[int]) -> int:
    """What is bounded is the disk, not the octets."""
    return _BLOCK_BYTES + sum(max(size, _BLOCK_BYTES) for size in sizes)


def _require_room(unit: ThreadWork, row: ThreadBlob) -> None:
    """Raises BlobTooLarge, TooManyBlobs."""
    if row.size_bytes > sealed_length(unit.settings.blob_max_bytes):
        raise BlobTooLarge
    unit.session.flush()
    used = select(func.sum(ThreadBlob.charged_bytes)).where(ThreadBlob.member == unit.member)
    if (unit.session.scalar(used) or 0) > unit.settings.member_blobs_max_bytes:
        raise TooManyBlobs


def _is_named(unit: ThreadWork, file_id: UUID, number: int, name: str) -> bool:
    parts = unit.session.scalar(select(ThreadBlob.parts).where(ThreadBlob.file_id == file_id))
    return parts is not None and parts.get(str(number), {}).get("name") == name


def _note_complete(locked: LockedThread, blob_id: UUID, blob: StoredBlob, count: int) -> None:
    """If it is still as it was proved."""
    row = locked.unit.session.get(ThreadBlob, (locked.id, blob_id), with_for_update=True)
    if row is None:
        raise BlobNotFound
    is_same = (_parts_of(row), len(row.parts)) == (blob.parts, count)
    if not is_same or (row.completed_at is not None and row.sealed_hash != blob.sealed_hash):
        raise BlobConflict
    row.sealed_hash, row.after_seq = blob.sealed_hash, locked.row.last_seq
    row.completed_at = row.completed_at or locked.unit.now
    locked.audit(AuditAction.BLOB_PUT, count=count)


def _require_writer(unit: ThreadWork, thread_id: str) -> None:
    """Raises ThreadNotFound, ThreadRoleTooSmall."""
    if not MemberRole(find_thread(unit.session, thread_id, unit.member).membership.role).includes(MemberRole.WRITER):
        raise ThreadRoleTooSmall


def _find_own(unit: ThreadWork, thread_id: str, blob_id: UUID) -> ThreadBlob:
    row = unit.session.get(ThreadBlob, (thread_id, blob_id))
    if row is None or row.member != unit.member:
        raise BlobNotFound
    return row


def _may_see(locked: LockedThread, row: ThreadBlob) -> bool:
    """The server cannot see which envelope tells of a blob, so its place is that of its `complete`. The envelope comes
    later: whoever joined between the two is shown it, and the blob only after another `complete`."""
    membership = locked.membership
    return membership is not None and membership.visible_from <= max(1, row.after_seq or 0)


def _numbers_of(row: ThreadBlob) -> list[int]:
    return sorted(map(int, row.parts))


def _parts_of(row: ThreadBlob) -> tuple[BlobPart, ...]:
    return tuple(BlobPart(**row.parts[str(number)]) for number in _numbers_of(row))


def _fault_of_numbers(numbers: list[int], count: int) -> ThreadsError | None:
    """They are counted from 1, or from 0, without a hole."""
    first = 0 if 0 in numbers else 1
    wanted = range(first, first + count)
    missing = [number for number in wanted if number not in numbers]
    if missing:
        return _incomplete(missing)
    return None if len(numbers) == count else BlobConflict()


def _incomplete(missing: list[int]) -> ThreadsError:
    return BlobIncomplete({"missing": missing})


def _read_part(files: StreamedFiles, file_id: UUID, part: BlobPart) -> bytes:
    try:
        return files.read_whole(file_id, part.name)
    except UnknownFile as exc:
        raise BlobNotFound from exc
