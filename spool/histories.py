"""Reading and writing the reasons file that stands beside a file in `failed/`."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePath

from spool.history import History, dump_history, load_history
from spool.names import WHY_SUFFIX, FileName, Folder
from spool.storage import Storage


class Histories:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def load(self, name: FileName) -> History:
        try:
            return load_history(self._storage.read(self._path(name)))
        except FileNotFoundError:
            return History()

    def save(self, name: FileName, history: History, now: datetime) -> None:
        self._storage.replace(self._path(name), dump_history(history), now.timestamp())

    def forget(self, names: Iterable[FileName]) -> None:
        self._storage.remove_all(map(self._path, names))

    def _path(self, name: FileName) -> PurePath:
        return self._storage.path(Folder.FAILED, f"{name}{WHY_SUFFIX}")
