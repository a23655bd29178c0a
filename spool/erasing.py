"""Erasing: every file of some sessions, in whatever folder and state, with its reasons and its session's stamp."""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import PurePath

from core.sealing import Sealer
from spool.errors import DamagedFile
from spool.names import DataType, FileName, Folder, read_name
from spool.packages import open_package
from spool.sessions import Sessions
from spool.storage import Storage

_SESSION_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class Erasing:
    def __init__(self, folders: Storage, sealer: Sealer, sessions: Sessions) -> None:
        self._folders = folders
        self._sealer = sealer
        self._sessions = sessions

    def sessions_of(self, patient_uuid: str) -> list[str]:
        """By what the patients' own files say, which are small: one per session. Each of them is opened."""
        found = ((name, path) for name, path in self._packages() if name.data_type is DataType.PATIENT)
        return sorted({name.session_id for name, path in found if self._is_of(name, path, patient_uuid)})

    def find(self, session_ids: Collection[str]) -> list[PurePath]:
        wanted = set(session_ids)
        return [path for path in self._files() if (found := _SESSION_ID.search(path.name)) and found[0] in wanted]

    def erase(self, session_ids: Collection[str]) -> None:
        for path in self.find(session_ids):
            with suppress(FileNotFoundError):
                self._folders.remove(path)
        for session_id in session_ids:
            self._sessions.forget(session_id)
        # Every one: who erased before us may have died before this, and has left no file that tells where.
        for folder in [*self._every_folder(), self._folders.sessions_path()]:
            with suppress(FileNotFoundError):
                self._folders.sync(folder)

    def _is_of(self, name: FileName, path: PurePath, patient_uuid: str) -> bool:
        try:
            return open_package(self._sealer, name, self._folders.read(path)).metadata.patient_uuid == patient_uuid
        except (DamagedFile, FileNotFoundError):
            return False

    def _packages(self) -> Iterator[tuple[FileName, PurePath]]:
        for path in self._files():
            name = read_name(path.name)
            if name is not None and name.extension == "json":
                yield name, path

    def _every_folder(self) -> list[PurePath]:
        folders = [self._folders.folder(one) for one in (Folder.INCOMING, Folder.PENDING, Folder.FAILED)]
        return [*folders, *(path for _, path in self._folders.completed_days())]

    def _files(self) -> Iterator[PurePath]:
        for folder in self._every_folder():
            with suppress(FileNotFoundError):  # a day that was cleaned up meanwhile
                # A set of names, not a walk: entries that vanish under an open listing may be skipped.
                yield from [folder / name for name in self._folders.names(folder)]
