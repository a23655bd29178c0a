"""Every call that the spool makes to the file system, in one class, so that tests can make each of them fail or die."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Disk:
    """The real file system. One method is one system call, except `fsync_folder`. All raise OSError."""

    def open(self, path: Path, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def read(self, handle: int, size: int) -> bytes:
        """May return less than asked for; empty at the end."""
        return os.read(handle, size)

    def write(self, handle: int, data: memoryview) -> int:
        """May write less than given."""
        return os.write(handle, data)

    def allocate(self, handle: int, size: int) -> None:
        """Room for so many bytes, which a full disk refuses now rather than when they are written."""
        os.posix_fallocate(handle, 0, size)

    def truncate(self, handle: int, size: int) -> None:
        os.ftruncate(handle, size)

    def set_time(self, handle: int, seconds: float) -> None:
        os.utime(handle, (seconds, seconds))

    def fsync(self, handle: int) -> None:
        os.fsync(handle)

    def close(self, handle: int) -> None:
        os.close(handle)

    def lock(self, handle: int) -> bool:
        """Exclusive until the handle is closed, also by the holder's death. False: somebody else holds it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def link(self, source: Path, target: Path) -> None:
        """Unlike rename it never replaces: FileExistsError."""
        target.hardlink_to(source)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def symlink(self, text: str, path: Path) -> None:
        path.symlink_to(text)

    def readlink(self, path: Path) -> str:
        return str(path.readlink())

    def mkdir(self, path: Path) -> None:
        path.mkdir(mode=0o700)

    def rmdir(self, path: Path) -> None:
        path.rmdir()

    def chmod(self, path: Path, mode: int) -> None:
        path.chmod(mode)

    def stat(self, path: Path) -> os.stat_result:
        return path.lstat()

    def stat_handle(self, handle: int) -> os.stat_result:
        return os.fstat(handle)

    def listdir(self, path: Path) -> Iterator[str]:
        """One by one, in no order: a folder of 100,000 files costs no memory."""
        with os.scandir(path) as entries:
            for entry in entries:
                yield entry.name

    def fsync_folder(self, path: Path) -> None:
        """Always on a fresh handle: after a failed fsync the kernel may call the lost pages of an old one clean."""
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def has_free_inodes(self, path: Path) -> bool:
        """File systems without a fixed inode table report a size of 0."""
        usage = os.statvfs(path)
        return usage.f_files == 0 or usage.f_favail > 0
