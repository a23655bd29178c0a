"""Disks that fail, die or lose power at a chosen call, to walk through every point at which an action can be cut."""

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from spool import Disk

CALLS = [name for name in vars(Disk) if not name.startswith("_")]


class Crash(BaseException):
    """The process is gone: no handler of the product runs any further call."""


class WatchedDisk(Disk):
    """Counts the calls; subclasses step in before or after each."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def before(self, call: str, args: tuple[Any, ...]) -> None:
        self.made.append(call)

    def after(self, call: str, args: tuple[Any, ...], result: Any) -> None:
        pass


def _watch(name: str) -> Callable[..., Any]:
    real = getattr(Disk, name)

    def call(self: WatchedDisk, *args: Any) -> Any:
        self.before(name, args)
        result = list(real(self, *args)) if name == "listdir" else real(self, *args)
        self.after(name, args, result)
        return iter(result) if name == "listdir" else result

    return call


for _name in CALLS:
    setattr(WatchedDisk, _name, _watch(_name))


class FaultyDisk(WatchedDisk):
    """Refuses the call number `at` (and with `lasting` every writing call after it) with `code`."""

    READING = frozenset({"read", "close", "lock", "readlink", "stat", "stat_handle", "listdir", "has_free_inodes"})

    def __init__(self, at: int, code: int, *, lasting: bool = False) -> None:
        super().__init__()
        self._at, self._code, self._lasting = at, code, lasting
        self._condemned: set[int] = set()
        self.refused: str | None = None

    def before(self, call: str, args: tuple[Any, ...]) -> None:
        super().before(call, args)
        assert not (call == "fsync" and args[0] in self._condemned), "fsync again on a handle whose fsync failed"
        if call == "close":
            self._condemned.discard(args[0])
        number = len(self.made)
        if number == self._at or (self._lasting and number > self._at and call not in self.READING):
            self._refuse(call, args)

    def _refuse(self, call: str, args: tuple[Any, ...]) -> None:
        self.refused = self.refused or call
        if call == "fsync":
            self._condemned.add(args[0])
        if call == "close":
            os.close(args[0])  # the kernel frees the handle even if it reports an error
        raise OSError(self._code, os.strerror(self._code))


class CrashingDisk(WatchedDisk):
    """Dies before the call number `at`: locks and handles are gone, what was done stays done."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at
        self._dead = False
        self._handles: set[int] = set()

    def before(self, call: str, args: tuple[Any, ...]) -> None:
        super().before(call, args)
        if len(self.made) >= self._at:
            self.die()
        if self._dead:
            raise Crash
        if call == "close":
            self._handles.discard(args[0])

    def after(self, call: str, args: tuple[Any, ...], result: Any) -> None:
        if call == "open":
            self._handles.add(result)

    def die(self) -> None:
        self._dead = True
        for handle in self._handles:
            os.close(handle)
        self._handles.clear()


class PowerlessDisk(CrashingDisk):
    """Dies, and with it goes all that was not fsynced: contents are torn, names undone, unless their folder was synced.

    A rename is one step, as on every journaling file system: undone as a whole until its target's folder is synced.
    With `split_renames` the old name comes back too until its own folder is synced.
    """

    def __init__(self, at: int, graveyard: Path, *, split_renames: bool = False) -> None:
        super().__init__(at)
        self._split_renames = split_renames
        self._graveyard = graveyard
        self._undo: list[tuple[Path, Callable[[], None]]] = []
        self._unsynced: dict[int, Path] = {}
        graveyard.mkdir(parents=True, exist_ok=True)

    def before(self, call: str, args: tuple[Any, ...]) -> None:
        super().before(call, args)
        if call == "unlink":
            self._on_undo(args[0].parent, self._restorer(args[0]))
        elif call == "rename":
            source, target = args
            replaced = self._restorer(target) if target.exists() else None
            if self._split_renames:
                self._on_undo(source.parent, self._restorer(source))
            self._on_undo(target.parent, lambda: _rename_back(source, target, replaced))

    def after(self, call: str, args: tuple[Any, ...], result: Any) -> None:
        super().after(call, args, result)
        if call == "open" and args[1] & os.O_CREAT:
            self._unsynced[result] = self._keep(args[0])
            self._on_undo(args[0].parent, args[0].unlink)
        elif call in ("link", "symlink"):
            self._on_undo(args[1].parent, args[1].unlink)
        elif call == "mkdir":
            self._on_undo(args[0].parent, lambda: shutil.rmtree(args[0]))
        elif call == "fsync":
            self._unsynced.pop(args[0], None)
        elif call == "fsync_folder":
            self._undo = [(folder, undo) for folder, undo in self._undo if folder != args[0]]

    def inherit(self, before: "PowerlessDisk") -> None:
        """What a process left unsynced when it died is still at risk."""
        self._undo = list(before._undo)
        self._unsynced = {-number: path for number, path in enumerate(before._unsynced.values(), 1)}

    def lose_power(self) -> None:
        self.die()
        for kept in self._unsynced.values():
            os.truncate(kept, kept.stat().st_size // 2)
        for _, undo in reversed(self._undo):
            with suppress(FileNotFoundError):
                undo()

    def _on_undo(self, folder: Path, undo: Callable[[], None]) -> None:
        self._undo.append((folder, undo))

    def _restorer(self, path: Path) -> Callable[[], None]:
        kept = self._keep(path)
        return lambda: os.link(kept, path, follow_symlinks=False)

    def _keep(self, path: Path) -> Path:
        kept = self._graveyard / str(len(list(self._graveyard.iterdir())))
        with suppress(FileNotFoundError):
            os.link(path, kept, follow_symlinks=False)
        return kept


def _rename_back(source: Path, target: Path, replaced: Callable[[], None] | None) -> None:
    target.rename(source)
    if replaced:
        replaced()


FAULTS = {
    errno.ENOSPC: "disk_full",
    errno.EIO: "io_error",
    errno.EROFS: "read_only",
    errno.EDQUOT: "disk_full",
    errno.EMFILE: "too_many_files",
}
