"""Erasing: every file of some sessions, in whatever folder and state, with its reasons and its session's stamp."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import PurePath

from core.logs import get_logger
from core.sealing import Sealer, SealError, key_id_of
from spool.errors import DamagedFile
from spool.names import DataType, FileName, read_name
from spool.packages import Metadata, open_package
from spool.resealing import Resealed
from spool.sessions import Sessions
from spool.storage import Storage

log = get_logger(__name__)
_PURPOSE = "owner"
_SESSION_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class Erasing:
    def __init__(self, storage: Storage, sealer: Sealer, sessions: Sessions) -> None:
        self._storage = storage
        self._sealer = sealer
        self._sessions = sessions

    def note(self, metadata: Metadata) -> None:
        """Whose the session is, before its patient's own file bears its name."""
        owner = metadata.patient_uuid
        sealed = self._sealer.seal(owner.encode(), _context(metadata.session_id))
        self._storage.note_owner(metadata.session_id, self._sealer.tags(owner, _PURPOSE), sealed)

    def sessions_of(self, patient_uuid: str) -> list[str]:
        """By what is noted of them, and by what the patients' own files say where nothing is: these are small, one per
        session, and each of them is opened."""
        noted = self._storage.sessions_of_owner(self._sealer.tags(patient_uuid, _PURPOSE))
        found = ((name, path) for name, path in self._packages() if name.data_type is DataType.PATIENT)
        return sorted({*noted, *(name.session_id for name, path in found if self._is_of(name, path, patient_uuid))})

    def count_keys(self) -> Counter[str | None]:
        return Counter(key_id_of(sealed) for _, _, sealed in self._storage.owners())

    def reseal_notes(self) -> Resealed:
        """With the first key, and found by it."""
        resealed = Resealed()
        for session_id, tag, sealed in self._storage.owners():
            try:
                owner = self._sealer.open(sealed, _context(session_id)).decode()
            except SealError:
                log.warning("owner_not_resealed", session_id=session_id)
                resealed.unopened += 1
                continue
            tags = self._sealer.tags(owner, _PURPOSE)
            if tag != tags[0]:
                self._storage.note_owner(session_id, tags, self._sealer.seal(owner.encode(), _context(session_id)))
                self._storage.forget_owners([session_id], but_tags=tags[:1])
                resealed.done += 1
        return resealed

    def find(self, session_ids: Collection[str]) -> list[PurePath]:
        wanted = set(session_ids)
        return [
            path for path in self._storage.files() if (found := _SESSION_ID.search(path.name)) and found[0] in wanted
        ]

    def erase(self, session_ids: Collection[str]) -> None:
        self._storage.remove_all(self.find(session_ids))
        self._sessions.forget(session_ids)
        self._storage.forget_owners(session_ids)
        # Every one: who erased before us may have died before this, and has left no file that tells where.
        for folder in [*self._storage.every_folder(), self._storage.sessions_path()]:
            with suppress(FileNotFoundError):
                self._storage.sync(folder)

    def _is_of(self, name: FileName, path: PurePath, patient_uuid: str) -> bool:
        try:
            return open_package(self._sealer, name, self._storage.read(path)).metadata.patient_uuid == patient_uuid
        except (DamagedFile, FileNotFoundError):
            return False

    def _packages(self) -> Iterator[tuple[FileName, PurePath]]:
        for path in self._storage.unnoted_files():
            name = read_name(path.name)
            if name is not None and name.extension == "json":
                yield name, path


def _context(session_id: str) -> str:
    return f"owner/{session_id}"
