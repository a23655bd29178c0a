"""The engine that keeps the spool's files in a bucket of an object store with S3's API and conditional writes.

An object is whole or absent, and durable once its PUT was answered, so there are no temporary names and nothing to
sync. A move is a copy and then a removal: cut between the two, the file is in both places, and the rules, which look in
`pending/` first, do the move again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import PurePath, PurePosixPath
from typing import Any
from uuid import uuid4

from spool.errors import FileTaken, UnknownFile, reason_of
from spool.leases import CLOCKS_APART_SECONDS, ObjectLease, age_told_by_store
from spool.names import TEMPORARY_PREFIX, FileName, Folder, read_name
from spool.objects import BucketAddress, BucketRefused, ObjectReader, Objects, ObjectStatus, PreconditionMissed
from spool.storage import FileStatus, Storage, translating

LEASES = ".leases"
UPLOADS = ".uploads"
OWNERS = ".owners"
_LEASE_SECONDS = 60
# S3 wants 5 MiB at least in each part but the last.
_PART_BYTES = 8 * 1024 * 1024
_LONGEST_UPLOAD = timedelta(days=1)
_PROOF = bytes(4096)


class HeldObject:
    def __init__(self, objects: Objects, key: str, lease: ObjectLease, found: ObjectStatus) -> None:
        self._objects = objects
        self._key = key
        self.lease = lease
        self.found = found

    @property
    def status(self) -> FileStatus:
        return _file_status(self.found)

    def read(self) -> bytes:
        with self._objects.open(self._key) as reader:
            return b"".join(iter(lambda: reader.read(1 << 24), b""))


class BucketRoom:
    """A bucket sets nothing aside: that it takes a write just now is all that can be known."""

    def __init__(self, bucket: "SpoolBucket") -> None:
        self._bucket = bucket

    def fill(self, data: bytes, target: PurePath, seconds: float) -> bool:
        return self._bucket.put_new(target, data, seconds)

    def close(self) -> None:
        """There is nothing to give back."""


class ObjectWriter:
    """Sent in parts of 8 MiB; one that is shorter is sent as one at its end. `record`: the key under which the upload's
    id is kept, since not every store lists uploads."""

    def __init__(self, objects: Objects, key: str, record: str, seconds: float) -> None:
        self._objects = objects
        self._key = key
        self._record = record
        self._seconds = seconds
        self._rest = bytearray()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._is_over = False

    def write(self, data: bytes) -> None:
        self._require_open()
        self._rest += data
        while len(self._rest) >= _PART_BYTES:
            self._send(bytes(self._rest[:_PART_BYTES]))
            del self._rest[:_PART_BYTES]

    def keep(self) -> None:
        self._require_open()
        if self._upload_id is None:
            self._objects.put(self._key, bytes(self._rest), self._seconds)
        else:
            if self._rest:
                self._send(bytes(self._rest))
            self._objects.complete_upload(self._key, self._upload_id, self._parts)
            with suppress(OSError):  # it is whole: the sweep removes what cannot be removed now
                self._objects.delete(self._record)
        self._is_over = True

    def abort(self) -> None:
        if not self._is_over and self._upload_id is not None:
            with suppress(OSError):  # the sweep removes what cannot be removed now
                self._objects.abort_upload(self._key, self._upload_id)
                self._objects.delete(self._record)
        self._is_over = True

    def _send(self, data: bytes) -> None:
        if self._upload_id is None:
            self._upload_id = self._objects.begin_upload(self._key, self._seconds)
            self._objects.put(self._record, self._upload_id.encode())
        self._parts.append(self._objects.upload_part(self._key, self._upload_id, len(self._parts) + 1, data))

    def _require_open(self) -> None:
        if self._is_over:
            raise BucketRefused("closed")


class SpoolBucket(Storage):
    """Any number of hosts. Paths are keys."""

    root: PurePosixPath

    def __init__(
        self,
        client: Any,
        address: BucketAddress,
        *,
        lease_seconds: float = _LEASE_SECONDS,
        apart_seconds: float = CLOCKS_APART_SECONDS,
    ) -> None:
        self.root = PurePosixPath(address.prefix)
        self._objects = Objects(client, address.bucket)
        self._lease_seconds = lease_seconds
        self._apart_seconds = apart_seconds
        self._held: dict[str, HeldObject] = {}

    # Files

    def status(self, path: PurePath) -> FileStatus:
        return _file_status(self._objects.status(str(path)))

    def names(self, folder: PurePath) -> Iterator[str]:
        return (name for name, _ in self._objects.names(f"{folder}/"))

    @contextmanager
    def open(self, path: PurePath) -> Iterator[ObjectReader]:
        with self._objects.open(str(path)) as reader:
            yield reader

    def read_beginning(self, path: PurePath, size: int) -> bytes:
        return self._objects.read_beginning(str(path), size)[0]

    def put_new(
        self, path: PurePath, data: bytes, seconds: float, before_named: Callable[[], None] | None = None
    ) -> bool:
        if before_named is not None:
            before_named()
        try:
            self._objects.put(str(path), data, seconds, is_new=True)
        except PreconditionMissed:
            return False
        return True

    def replace(self, path: PurePath, data: bytes, seconds: float, *, temporary_in: PurePath | None = None) -> None:  # noqa: ARG002 nothing is left behind
        held = self._held.get(str(path))
        if held is None:
            self._objects.put(str(path), data, seconds)
            return
        held.lease.require()
        try:
            # Not if it was erased meanwhile: that would bring it back.
            self._objects.put(str(path), data, seconds, if_etag=held.found.etag)
        except PreconditionMissed:
            raise FileNotFoundError(path.name) from None

    def remove(self, path: PurePath) -> None:
        self._objects.delete(str(path))

    def move(self, source: PurePath, target: PurePath) -> None:
        held = self._held.get(str(source))
        if held is not None:
            held.lease.require()
        self._objects.copy(str(source), str(target))
        if held is not None:
            # Who stood still since the copy could take away what another has put here meanwhile.
            held.lease.require()
        self._objects.delete(str(source))

    def settle(self, target: PurePath, source: PurePath) -> None:
        """Whoever was at it may have died between its two steps."""
        self._objects.status(str(target))
        self._objects.delete(str(source))

    @contextmanager
    def hold(self, path: PurePath) -> Iterator[HeldObject]:
        """By a lease on the file's name, wherever it lies."""
        lease = self._lease_of(path.name)
        with translating(self):
            lease.take()
        with lease.kept():
            with translating(self):
                held = self._find_held(path, lease)
            self._held[str(path)] = held
            try:
                yield held
            finally:
                del self._held[str(path)]

    def mark(self, path: PurePath, text: str) -> None:
        try:
            self._objects.put(str(path), text.encode(), is_new=True)
        except PreconditionMissed:
            raise FileExistsError(path.name) from None

    def read_mark(self, path: PurePath) -> str:
        return self.read(path).decode("ascii", "replace")

    def reserve(self, size_bytes: int) -> BucketRoom:  # noqa: ARG002 a bucket sets nothing aside
        self.prove_writable(0)
        return BucketRoom(self)

    def begin(self, path: PurePath, seconds: float) -> ObjectWriter:
        record = self._join(UPLOADS, *path.relative_to(self.root).parts, uuid4().hex)
        return ObjectWriter(self._objects, str(path), str(record), seconds)

    # Folders

    def ensure_folders(self) -> None:
        """Proves instead that of two who write the same new object one is refused, and that the store's clocks agree.
        Raises BucketRefused."""
        key = str(self._join(Folder.INCOMING, f"{TEMPORARY_PREFIX}{uuid4().hex}"))
        try:
            with suppress(PreconditionMissed):  # its answer was lost, and its repetition refused
                self._objects.put(key, _PROOF, is_new=True)
            with suppress(PreconditionMissed):
                self._objects.put(key, _PROOF, is_new=True)
                raise BucketRefused("no_conditional_writes")
            proof = self._objects.status(key)
            if abs(age_told_by_store(proof, self._apart_seconds)) > self._apart_seconds:
                raise BucketRefused("clocks_apart")
        finally:
            self._objects.delete(key)

    def ensure_folder(self, path: PurePath) -> None:
        """There are no folders."""

    def sync(self, folder: PurePath) -> None:
        """What was answered is durable."""

    def remove_empty(self, folder: PurePath) -> None:
        """There are no folders."""

    def drop_unfinished(self, folder: PurePath) -> None:
        for record, _ in self._uploads_in(*folder.relative_to(self.root).parts):
            self._abort(record)

    def changed_at(self, folder: PurePath) -> float:
        times = [at.timestamp() for _, at in self._objects.names(f"{folder}/") if at is not None]
        if not times:
            raise FileNotFoundError(folder.name)
        return max(times)

    # Whose sessions they are: an object for each, whose key says `{tag}/{session}`

    notes_owners = True

    def note_owner(self, session_id: str, tags: Sequence[str], sealed_owner: bytes) -> None:
        self._objects.put(str(self._join(OWNERS, tags[0], session_id)), sealed_owner)

    def sessions_of_owner(self, tags: Sequence[str]) -> list[str]:
        return [name for tag in tags for name, _ in self._objects.names(f"{self._join(OWNERS, tag)}/")]

    def owners(self) -> Iterator[tuple[str, str, bytes]]:
        for path in self._notes():
            with suppress(FileNotFoundError):  # forgotten meanwhile
                yield path.name, path.parent.name, self.read(path)

    def forget_owners(self, session_ids: Collection[str], *, but_tags: Collection[str] = ()) -> None:
        if session_ids:
            wanted = set(session_ids)
            notes = (path for path in self._notes() if path.name in wanted and path.parent.name not in but_tags)
            self._objects.delete_all([str(path) for path in notes])

    def unnoted_files(self) -> Iterator[PurePath]:
        return iter(())

    def files(self) -> Iterator[PurePath]:
        """A request for each thousand of them."""
        for folder in map(self.folder, Folder):
            for name, changed_at in self._objects.names(f"{folder}/", deep=True):
                if changed_at is not None:
                    yield folder / name

    def remove_all(self, paths: Iterable[PurePath]) -> None:
        self._objects.delete_all([str(path) for path in paths])

    def sessions_with_files(self, names: Collection[FileName]) -> set[tuple[str, str]]:
        if not names:
            return set()
        packages = (read_name(path.name) for path in self.files())
        return {(one.stamp, one.session_id) for one in packages if one is not None and one.extension == "json"}

    def days_of(self, name: FileName) -> Iterator[PurePath]:
        """Each look is a request: from the day before its stamp on, clocks apart, the first ones first."""
        first = (name.created_at - timedelta(days=1)).date()
        return (path for day, path in reversed(list(self.completed_days())) if day >= first)

    def _notes(self) -> Iterator[PurePosixPath]:
        top = self._join(OWNERS)
        return (top / name for name, at in self._objects.names(f"{top}/", deep=True) if at is not None)

    # Looking after it

    def prove_writable(self, seconds: float) -> None:
        key = str(self._join(Folder.INCOMING, f"{TEMPORARY_PREFIX}{uuid4().hex}"))
        self._objects.put(key, _PROOF, seconds)
        self._objects.delete(key)

    def sweep_temporary(self, before: float) -> int:
        """Proofs and leases of the dead, and uploads that began a day ago."""
        moment, swept = datetime.fromtimestamp(before, UTC), 0
        incoming = self.folder(Folder.INCOMING)
        for name, changed_at in self._objects.names(f"{incoming}/"):
            if name.startswith(TEMPORARY_PREFIX) and changed_at is not None and changed_at <= moment:
                self._objects.delete(str(incoming / name))
                swept += 1
        return swept + self._sweep_leases() + self._sweep_uploads(moment)

    def reason(self, fault: OSError) -> str:
        return fault.reason if isinstance(fault, BucketRefused) else reason_of(fault)

    def _join(self, *parts: str) -> PurePosixPath:
        return self.root.joinpath(*parts)

    def _lease_of(self, name: str) -> ObjectLease:
        return ObjectLease(self._objects, str(self._join(LEASES, name)), self._lease_seconds, self._apart_seconds)

    def _find_held(self, path: PurePath, lease: ObjectLease) -> HeldObject:
        try:
            found = self._objects.status(str(path))
        except FileNotFoundError:
            # Whoever held the lease before us has moved the file on.
            raise UnknownFile from None
        if path.parent == self.folder(Folder.PENDING):
            # What a move to or from failed/ left there that was cut.
            self._objects.delete(str(self.path(Folder.FAILED, path.name)))
        return HeldObject(self._objects, str(path), lease, found)

    def _sweep_leases(self) -> int:
        swept = 0
        for name, _ in self._objects.names(f"{self._join(LEASES)}/"):
            lease = self._lease_of(name)
            # As its next holder: nobody else can have it while it is removed.
            with suppress(FileTaken):
                lease.take()
                lease.release()
                swept += 1
        return swept

    def _sweep_uploads(self, moment: datetime) -> int:
        old = [record for record, began_at in self._uploads_in() if began_at <= moment - _LONGEST_UPLOAD]
        for record in old:
            self._abort(record)
        return len(old)

    def _uploads_in(self, *folder: str) -> list[tuple[PurePosixPath, datetime]]:
        """Records of uploads that have not ended, and when they began."""
        top = self._join(UPLOADS, *folder)
        return [(top / name, at) for name, at in self._objects.names(f"{top}/", deep=True) if at is not None]

    def _abort(self, record: PurePosixPath) -> None:
        key = self._join(*record.parent.relative_to(self._join(UPLOADS)).parts)
        with suppress(FileNotFoundError):  # it has just ended
            self._objects.abort_upload(str(key), self.read_mark(record))
            self._objects.delete(str(record))


def _file_status(found: ObjectStatus) -> FileStatus:
    return FileStatus(found.size_bytes, found.written_at, found.changed_at.timestamp())
