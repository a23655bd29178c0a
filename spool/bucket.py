"""The engine that keeps the spool's files in a bucket of an object store with S3's API and conditional writes.

An object is whole or absent, and durable once its PUT was answered, so there are no temporary names and nothing to
sync. A move is a copy and then a removal: cut between the two, the file is in both places, and the rules, which look in
`pending/` first, do the move again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import PurePath, PurePosixPath
from typing import Any
from uuid import uuid4

from spool.errors import FileTaken, UnknownFile, reason_of
from spool.leases import ObjectLease
from spool.names import TEMPORARY_PREFIX, Folder
from spool.objects import BucketAddress, BucketRefused, ObjectReader, Objects, ObjectStatus, PreconditionMissed
from spool.storage import FileStatus, Storage, translating

LEASES = ".leases"
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


class GrowingObject:
    """Sent in parts of 8 MiB; one that is shorter is sent as one at its end."""

    def __init__(self, objects: Objects, key: str, seconds: float) -> None:
        self._objects = objects
        self._key = key
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
        self._is_over = True

    def abort(self) -> None:
        if not self._is_over and self._upload_id is not None:
            with suppress(OSError):  # the sweep removes what cannot be removed now
                self._objects.abort_upload(self._key, self._upload_id)
        self._is_over = True

    def _send(self, data: bytes) -> None:
        if self._upload_id is None:
            self._upload_id = self._objects.begin_upload(self._key, self._seconds)
        self._parts.append(self._objects.upload_part(self._key, self._upload_id, len(self._parts) + 1, data))

    def _require_open(self) -> None:
        if self._is_over:
            raise BucketRefused("closed")


class SpoolBucket(Storage):
    """Any number of hosts. Paths are keys."""

    root: PurePosixPath

    def __init__(self, client: Any, address: BucketAddress, *, lease_seconds: float = _LEASE_SECONDS) -> None:
        self.root = PurePosixPath(address.prefix)
        self._objects = Objects(client, address.bucket)
        self._lease_seconds = lease_seconds
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
        self._objects.delete(str(source))

    def settle(self, target: PurePath, source: PurePath) -> None:
        """Whoever was at it may have died between its two steps."""
        self._objects.status(str(target))
        self._objects.delete(str(source))

    @contextmanager
    def hold(self, path: PurePath) -> Iterator[HeldObject]:
        """By a lease on the file's name, wherever it lies."""
        lease = ObjectLease(self._objects, str(self._join(LEASES, path.name)), self._lease_seconds)
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

    def begin(self, path: PurePath, seconds: float) -> GrowingObject:
        return GrowingObject(self._objects, str(path), seconds)

    # Folders

    def ensure_folders(self) -> None:
        """Proves instead that of two who write the same new object one is refused. Raises BucketRefused."""
        key = str(self._join(Folder.INCOMING, f"{TEMPORARY_PREFIX}{uuid4().hex}"))
        try:
            self._objects.put(key, _PROOF, is_new=True)
            with suppress(PreconditionMissed):
                self._objects.put(key, _PROOF, is_new=True)
                raise BucketRefused("no_conditional_writes")
        finally:
            self._objects.delete(key)

    def ensure_folder(self, path: PurePath) -> None:
        """There are no folders."""

    def sync(self, folder: PurePath) -> None:
        """What was answered is durable."""

    def remove_empty(self, folder: PurePath) -> None:
        """There are no folders."""

    def drop_unfinished(self, folder: PurePath) -> None:
        for key, upload_id, _ in self._objects.uploads(f"{folder}/"):
            self._objects.abort_upload(key, upload_id)

    def changed_at(self, folder: PurePath) -> float:
        times = [at.timestamp() for _, at in self._objects.names(f"{folder}/") if at is not None]
        if not times:
            raise FileNotFoundError(folder.name)
        return max(times)

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
            lease = ObjectLease(self._objects, str(self._join(LEASES, name)), self._lease_seconds)
            # As its next holder: nobody else can have it while it is removed.
            with suppress(FileTaken):
                lease.take()
                lease.release()
                swept += 1
        return swept

    def _sweep_uploads(self, moment: datetime) -> int:
        uploads = self._objects.uploads("" if self.root == PurePosixPath() else f"{self.root}/")
        old = [(key, upload_id) for key, upload_id, began_at in uploads if began_at <= moment - _LONGEST_UPLOAD]
        for key, upload_id in old:
            self._objects.abort_upload(key, upload_id)
        return len(old)


def _file_status(found: ObjectStatus) -> FileStatus:
    return FileStatus(found.size_bytes, found.written_at, found.changed_at.timestamp())
