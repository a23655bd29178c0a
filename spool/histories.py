"""Reading and writing the reasons file that stands beside a file in `failed/`."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from spool.folders import SpoolFolders
from spool.history import History, dump_history, load_history
from spool.names import WHY_SUFFIX, FileName, Folder
from spool.writing import read_file, replace


class Histories:
    def __init__(self, folders: SpoolFolders) -> None:
        self._folders = folders
        self._disk = folders.disk

    def load(self, name: FileName) -> History:
        try:
            return load_history(read_file(self._disk, self._path(name)))
        except FileNotFoundError:
            return History()

    def save(self, name: FileName, history: History, now: datetime) -> None:
        replace(self._disk, self._path(name), dump_history(history), now.timestamp())

    def forget(self, name: FileName) -> None:
        with suppress(FileNotFoundError):
            self._disk.unlink(self._path(name))

    def _path(self, name: FileName) -> Path:
        return self._folders.path(Folder.FAILED, f"{name}{WHY_SUFFIX}")
