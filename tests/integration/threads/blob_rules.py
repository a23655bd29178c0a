"""What members do with larger things, as a part of the threads' model: a part, the whole, a day that passes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.clock import clock
from core.sealing import Sealer
from services.threads.blob_retention import sweep_blobs
from services.threads.blobs import BlobRoom
from services.threads.encoding import hash_bytes
from services.threads.errors import BlobConflict, BlobIncomplete, BlobNotFound, ThreadNotFound, ThreadsError
from spool import Spool

from .room import NURSE, PATIENT, Room, caller

DOCTOR = "staff:doctor"
GUESTS = st.sampled_from([PATIENT, DOCTOR])
EVERYBODY = st.sampled_from([NURSE, PATIENT, DOCTOR])
NUMBERS = st.integers(1, 3)
CONTENTS = st.sampled_from([b"one", b"two" * 500])
_KEEP_DAYS = 3650


@dataclass
class ModelBlob:
    """`after` is the thread's last number at the last `complete`; None until then."""

    member: str
    id: UUID = field(default_factory=uuid4)
    parts: dict[int, bytes] = field(default_factory=dict)
    after: int | None = None

    @property
    def content(self) -> bytes:
        return b"".join(self.parts[number] for number in sorted(self.parts))

    def fault_of_part(self, member: str, number: int, content: bytes) -> type[ThreadsError] | None:
        is_changed = self.after is not None and self.parts.get(number) != content
        return BlobConflict if member != self.member or is_changed else None

    def fault_of_whole(self, member: str, count: int) -> type[ThreadsError] | None:
        if member != self.member:
            return BlobNotFound
        if self.after is None and not set(range(1, count + 1)) <= set(self.parts):
            return BlobIncomplete
        return None if count == len(self.parts) else BlobConflict


class BlobRules(RuleBasedStateMachine):
    """Mixed into the machine of one thread: `told` are its items, `visible_from` its members."""

    room: Room
    told: list[str]
    visible_from: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.blobs: list[ModelBlob] = []

    def open_files(self) -> None:
        spool = Spool(Path(self._folder.name), Sealer({"k": bytes(range(32))}), clock)
        self.blob_room = BlobRoom(self.room.stores.threads, spool.blobs, _in_place)

    @rule(member=EVERYBODY, number=NUMBERS, content=CONTENTS)
    def put_first_part(self, member: str, number: int, content: bytes) -> None:
        blob = ModelBlob(member)
        if self._put(blob, member, number, content):
            self.blobs.append(blob)

    @precondition(lambda self: self.blobs)
    @rule(data=st.data(), member=EVERYBODY, number=NUMBERS, content=CONTENTS)
    def put_part(self, data: st.DataObject, member: str, number: int, content: bytes) -> None:
        blob = data.draw(st.sampled_from(self.blobs))
        self._put(blob, data.draw(st.sampled_from([member, blob.member])), number, content)

    @rule(data=st.data(), contents=st.lists(CONTENTS, min_size=1, max_size=2))
    def put_up(self, data: st.DataObject, contents: list[bytes]) -> None:
        """All of it at once, as a client does."""
        blob = ModelBlob(data.draw(st.sampled_from(sorted(self.visible_from))))
        self.blobs.append(blob)
        for number, content in enumerate(contents, start=1):
            assert self._put(blob, blob.member, number, content)
        self._complete(blob, blob.member, len(contents))

    @precondition(lambda self: self.blobs)
    @rule(data=st.data(), member=EVERYBODY, count=NUMBERS)
    def complete(self, data: st.DataObject, member: str, count: int) -> None:
        blob = data.draw(st.sampled_from(self.blobs))
        self._complete(blob, data.draw(st.sampled_from([member, blob.member])), count)

    def _complete(self, blob: ModelBlob, member: str, count: int) -> None:
        told = {"count": count, "sealed_hash": hash_bytes(blob.content)}
        if self._is_done(
            member,
            blob.fault_of_whole(member, count),
            lambda: self.blob_room.complete(caller(member), self.room.thread_id, blob.id, **told),
        ):
            blob.after = len(self.told)

    @rule()
    def let_a_day_pass(self) -> None:
        """Of the files alone: what is not complete goes."""
        then = clock.now() + timedelta(days=1, minutes=1)
        swept = sweep_blobs(self.room.stores.unit_of_work, self.blob_room.files, then, _KEEP_DAYS)
        kept = [blob for blob in self.blobs if blob.after is not None]
        assert swept.rows == len(self.blobs) - len(kept)
        self.blobs = kept

    @invariant()
    def every_member_reads_the_whole_blobs_that_are_theirs_to_see(self) -> None:
        for member in (NURSE, PATIENT, DOCTOR):
            for blob in self.blobs:
                since = self.visible_from.get(member)
                if since is None or blob.after is None or since > max(1, blob.after):
                    with pytest.raises(ThreadNotFound if since is None else BlobNotFound):
                        self._read(member, blob)
                else:
                    assert self._read(member, blob) == blob.content

    @invariant()
    def no_file_lies_there_that_no_blob_has(self) -> None:
        files = self.blob_room.files
        assert sorted(len(files.names(owner)) for owner in files.owners()) == sorted(
            len(blob.parts) for blob in self.blobs
        )

    def teardown(self) -> None:
        self._folder.cleanup()

    def _put(self, blob: ModelBlob, member: str, number: int, content: bytes) -> bool:
        def put() -> None:
            self.blob_room.put_part(caller(member), self.room.thread_id, blob.id, number, content)

        is_done = self._is_done(member, blob.fault_of_part(member, number, content), put)
        if is_done:
            blob.parts[number] = content
        return is_done

    def _is_done(self, member: str, fault: type[ThreadsError] | None, act: Callable[[], object]) -> bool:
        if member not in self.visible_from:
            fault = ThreadNotFound
        if fault is None:
            act()
            return True
        with pytest.raises(fault):
            act()
        return False

    def _read(self, member: str, blob: ModelBlob) -> bytes:
        found = self.blob_room.open(caller(member), self.room.thread_id, blob.id)
        return b"".join(found.read(self.blob_room.files, 0, found.size, _in_place))


def _in_place(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)
