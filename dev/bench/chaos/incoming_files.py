"""When each provider answer got its final name in `incoming/`, which it gets only once it is durable."""

import ctypes
import os
import struct
import threading
import time
from pathlib import Path

_IN_CREATE = 0x100
# Files are stamped with the time of the kernel's last tick (4 ms), which a busy virtual machine was seen to take late.
_COARSE_SECONDS = 0.012
_EVENT = struct.Struct("iIII")


class IncomingFiles:
    """Watches the folder by inotify, in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(os.O_CLOEXEC)
        if self._libc.inotify_add_watch(self._handle, os.fsencode(folder), _IN_CREATE) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        self._thread = threading.Thread(target=self._run, name="incoming-files", daemon=True)
        self.arrived: dict[str, list[float]] = {}

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while True:
            data = os.read(self._handle, 65_536)
            at = 0
            while at < len(data):
                length = _EVENT.unpack_from(data, at)[3]
                name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0").decode()
                at += _EVENT.size + length
                if not name.startswith("."):
                    self.arrived.setdefault(name, []).append(self._moment(name))

    def _moment(self, name: str) -> float:
        """By when the file had its name: by its own time where it still lies there, since we may look late."""
        try:
            return min((self._folder / name).stat().st_ctime + _COARSE_SECONDS, time.time())
        except FileNotFoundError:
            return time.time()
