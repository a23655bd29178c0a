"""The file-first store: whole-or-absent files that move between incoming, pending, completed and failed."""

from spool.calls import Call
from spool.disk import Disk
from spool.errors import (
    DamagedFile,
    DifferentContent,
    FileNotParked,
    FileTaken,
    Overtaken,
    SealedWithUnknownKey,
    SpoolError,
    StorageFault,
    UnfitPackage,
    UnknownFile,
)
from spool.history import Try
from spool.info import Claimed, FileInfo, Orphans
from spool.names import DataType, Folder
from spool.packages import Metadata, Package
from spool.store import Spool

__all__ = [
    "Call",
    "Claimed",
    "DamagedFile",
    "DataType",
    "DifferentContent",
    "Disk",
    "FileInfo",
    "FileNotParked",
    "FileTaken",
    "Folder",
    "Metadata",
    "Orphans",
    "Overtaken",
    "Package",
    "SealedWithUnknownKey",
    "Spool",
    "SpoolError",
    "StorageFault",
    "Try",
    "UnfitPackage",
    "UnknownFile",
]
