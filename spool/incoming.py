"""Raw provider answers as they came: each was paid for, so the first that is safe on disk stays."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import orjson

from core.clock import Clock
from core.sealing import Sealer
from spool.errors import DamagedFile, UnknownFile
from spool.histories import Histories
from spool.history import Try, after_parking, check_code
from spool.info import FileInfo, StrandedAnswer, describe
from spool.names import AnswerKind, FileName, Folder, build_stamp, incoming_name, read_incoming_name, read_name
from spool.packages import open_bytes, seal_bytes
from spool.storage import Room, Storage, translated

# Before sealing: a magic, the length of what is known about the answer, that as JSON, then the answer's own bytes.
_MAGIC = b"WA1\n"
_LENGTH_BYTES = 4


@dataclass(frozen=True, repr=False)
class KeptAnswer:
    """An answer's bytes as they came, and what its caller knew of it: whose call it was, when, its headers."""

    body: bytes
    about: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"KeptAnswer({len(self.body)} bytes)"


class Incoming:
    def __init__(self, storage: Storage, sealer: Sealer, clock: Clock, histories: Histories) -> None:
        self.storage = storage
        self._sealer = sealer
        self._clock = clock
        self._histories = histories

    @translated
    def put(self, session_id: str, kind: AnswerKind, answer: KeptAnswer, room: Room | None = None) -> str:
        """Returns after the answer is durable. Idempotent: an answer that is there already stays as it is."""
        name = incoming_name(session_id, kind)
        path = self._path(name)
        if self.storage.is_there(path):
            self.storage.sync(path.parent)
            return name
        sealed, seconds = seal_bytes(self._sealer, _join(answer), session_id, kind), self._clock.now().timestamp()
        if room is not None:
            room.fill(sealed, path, seconds)
        else:
            self.storage.put_new(path, sealed, seconds)
        return name

    @translated
    def find(self, session_id: str, kind: AnswerKind) -> str | None:
        name = incoming_name(session_id, kind)
        return name if self.storage.is_there(self._path(name)) else None

    @translated
    def read(self, session_id: str, kind: AnswerKind) -> KeptAnswer:
        """Raises UnknownFile, DamagedFile (then park it, or it stays in the way of a new answer)."""
        try:
            stored = self.storage.read(self._path(incoming_name(session_id, kind)))
        except FileNotFoundError:
            raise UnknownFile from None
        return _part(open_bytes(self._sealer, stored, session_id, kind))

    def open(self, name: FileName, stored: bytes) -> KeptAnswer:
        """Of a file that was parked. Raises DamagedFile."""
        return _part(open_bytes(self._sealer, stored, name.session_id, name.data_type))

    @translated
    def written_at(self, session_id: str, kind: AnswerKind) -> datetime:
        """When the answer was put down, by the product's clock. Raises UnknownFile."""
        written_at = self._written_at(incoming_name(session_id, kind))
        if written_at is None:
            raise UnknownFile
        return datetime.fromtimestamp(written_at, UTC)

    @translated
    def drop(self, session_id: str, *kinds: AnswerKind) -> None:
        """Of a whole session only after its packages are safe. Idempotent."""
        for kind in kinds or AnswerKind:
            with suppress(FileNotFoundError):
                self.storage.remove(self._path(incoming_name(session_id, kind)))
        self.storage.sync(self.storage.folder(Folder.INCOMING))

    @translated
    def park(self, session_id: str, kind: AnswerKind, reason: str) -> FileInfo:
        """An answer that is of no use goes to `failed/`, bytes untouched, for people to look at. Raises UnknownFile."""
        source, now = self._path(incoming_name(session_id, kind)), self._clock.now()
        with self.storage.hold(source) as held:
            found = held.status
            # By the time of its writing: parked again after a crash it gets the same name, the next answer another.
            written_at = datetime.fromtimestamp(found.written_at, UTC)
            name = FileName(build_stamp(written_at), session_id, AnswerKind(kind), "raw")
            history = after_parking(self._histories.load(name), Try(now, check_code(reason)))
            self._histories.save(name, history, now)
            self.storage.move(source, self.storage.path(Folder.FAILED, name))
        return describe(name, Folder.FAILED, found.size_bytes, history)

    @translated
    def find_parked(self, session_id: str, kind: AnswerKind) -> list[str]:
        """Names of the session's parked answers of this kind. Reads the whole folder."""
        ending = f"_{incoming_name(session_id, kind)}"
        names = self.storage.names(self.storage.folder(Folder.FAILED))
        return [name for name in names if name.endswith(ending) and read_name(name) is not None]

    @translated
    def older_than(self, moment: datetime) -> list[StrandedAnswer]:
        """All of them, oldest first."""
        found = []
        for name in self.storage.names(self.storage.folder(Folder.INCOMING)):
            parsed, written_at = read_incoming_name(name), self._written_at(name)
            if parsed is not None and written_at is not None and written_at <= moment.timestamp():
                found.append(StrandedAnswer(*parsed, datetime.fromtimestamp(written_at, UTC)))
        return sorted(found, key=lambda answer: answer.written_at)

    def _written_at(self, name: str) -> float | None:
        if read_incoming_name(name) is None:
            return None
        try:
            return self.storage.status(self._path(name)).written_at
        except FileNotFoundError:  # dropped while we listed
            return None

    def _path(self, name: str) -> PurePath:
        return self.storage.path(Folder.INCOMING, name)


def _join(answer: KeptAnswer) -> bytes:
    about = orjson.dumps(dict(answer.about))
    return b"".join((_MAGIC, len(about).to_bytes(_LENGTH_BYTES, "big"), about, answer.body))


def _part(plain: bytes) -> KeptAnswer:
    """Raises DamagedFile."""
    at = len(_MAGIC) + _LENGTH_BYTES
    end = at + int.from_bytes(plain[len(_MAGIC) : at], "big")
    try:
        if not plain.startswith(_MAGIC):
            raise DamagedFile("magic")
        return KeptAnswer(plain[end:], orjson.loads(plain[at:end]))
    except orjson.JSONDecodeError:
        raise DamagedFile("json") from None
