"""Erasing: every file of some sessions, in whatever folder and state, with its reasons and its session's stamp."""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from core.sealing import Sealer
from spool.errors import DamagedFile
from spool.folders import SESSIONS, SpoolFolders
from spool.names import DataType, FileName, Folder, read_name
from spool.packages import open_package
from spool.sessions import Sessions
from spool.writing import read_file

_SESSION_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class Erasing:
    def __init__(self, folders: SpoolFolders, sealer: Sealer, sessions: Sessions) -> None:
        self._folders = folders
        self._disk = folders.disk
        self._sealer = sealer
        self._sessions = sessions

    def sessions_of(self, patient_uuid: str) -> list[str]:
        """By what the patients' own files say, which are small: one per session. Each of them is opened."""
        found = ((name, path) for name, path in self._packages() if name.data_type is DataType.PATIENT)
        return sorted({name.session_id for name, path in found if self._is_of(name, path, patient_uuid)})

    def find(self, session_ids: Collection[str]) -> list[Path]:
        wanted = set(session_ids)
        return [path for path in self._files() if (found := _SESSION_ID.search(path.name)) and found[0] in wanted]

    def erase(self, session_ids: Collection[str]) -> None:
        for path in self.find(session_ids):
            with suppress(FileNotFoundError):
                self._disk.unlink(path)
        for session_id in session_ids:
            self._sessions.forget(session_id)
        # Every one: who erased before us may have died before this, and has left no file that tells where.
        for folder in [*self._every_folder(), self._folders.root / SESSIONS]:
            with suppress(FileNotFoundError):
                self._disk.fsync_folder(folder)

    def _is_of(self, name: FileName, path: Path, patient_uuid: str) -> bool:
        try:
            return open_package(self._sealer, name, read_file(self._disk, path)).metadata.patient_uuid == patient_uuid
        except (DamagedFile, FileNotFoundError):
            return False

    def _packages(self) -> Iterator[tuple[FileName, Path]]:
        for path in self._files():
            name = read_name(path.name)
            if name is not None and name.extension == "json":
                yield name, path

    def _every_folder(self) -> list[Path]:
        folders = [self._folders.folder(one) for one in (Folder.INCOMING, Folder.PENDING, Folder.FAILED)]
        return [*folders, *(path for _, path in self._folders.completed_days())]

    def _files(self) -> Iterator[Path]:
        for folder in self._every_folder():
            with suppress(FileNotFoundError):  # a day that was cleaned up meanwhile
                # A set of names, not a walk: entries that vanish under an open listing may be skipped.
                yield from [folder / name for name in self._disk.listdir(folder)]
