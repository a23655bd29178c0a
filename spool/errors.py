"""What can go wrong in the spool, and whether a retry helps.

SpoolError
  StorageFault      (retryable)  the disk refused: disk_full, inode_full, read_only, io_error, missing, too_many_files;
                                 the bucket: access_denied, busy, clocks_apart, disk_full, io_error, missing,
                                 no_conditional_writes, throttled, unreachable
  FileTaken         (retryable)  another worker holds the file
  SealedWithUnknownKey (retryable)  whole, but this process was not given the key: nothing is parked or asked again
  DamagedFile                    never to be imported: checksum, json, truncated, sealed, name
  UnknownFile                    no such file, or no name that the spool gives
  UnfitPackage                   the content cannot be written as JSON
  DifferentContent               this session already has a package of that type with other content
  FileNotParked                  only parked files may be discarded
"""

import errno

_REASONS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.EMFILE: "too_many_files",
    errno.ENFILE: "too_many_files",
}


class SpoolError(Exception):
    """`reason` is a short code for people and metrics; it never holds content of a file."""

    retryable = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StorageFault(SpoolError):
    """The disk refused. Nothing half-written is visible; do the same again with a new file."""

    retryable = True


class FileTaken(SpoolError):
    """Another worker holds the file at this moment."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("taken")


class SealedWithUnknownKey(SpoolError):
    """A process that knows the key opens it, such as this one after its next start."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("sealing_key_unknown")


class DamagedFile(SpoolError):
    """The bytes are not what was written. Park the file; never import it."""


class UnknownFile(SpoolError):
    """There is no such file here (any more), or the name is not one that the spool gives."""

    def __init__(self, reason: str = "unknown_file") -> None:
        super().__init__(reason)


class UnfitPackage(SpoolError):
    """What should be stored is not JSON."""


class DifferentContent(SpoolError):
    """A package of this session and type exists with other content: neither is thrown away by guess."""

    def __init__(self) -> None:
        super().__init__("different_content")


class FileNotParked(SpoolError):
    """An operator may discard parked files only: the others are still going to be imported."""

    def __init__(self) -> None:
        super().__init__("not_parked")


def reason_of(fault: OSError) -> str:
    return _REASONS.get(fault.errno or 0, "io_error")
