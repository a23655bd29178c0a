"""The file-first store: whole-or-absent files that move between incoming, pending, completed and failed."""

from spool.disk import Disk
from spool.errors import (
    DamagedFile,
    DifferentContent,
    FileNotParked,
    FileTaken,
    SealedWithUnknownKey,
    SpoolError,
    StorageFault,
    UnfitPackage,
    UnknownFile,
)
from spool.history import Try
from spool.incoming import KeptAnswer
from spool.info import Claimed, FileInfo, StrandedAnswer
from spool.mover import MovedFiles, Mover
from spool.names import AnswerKind, DataType, Folder
from spool.opening import open_mover, open_spool
from spool.packages import Metadata, Package, is_writable
from spool.storage import Room, Storage
from spool.store import Spool
from spool.streamed import SealedFileWriter, StreamedFiles

__all__ = [
    "AnswerKind",
    "Claimed",
    "DamagedFile",
    "DataType",
    "DifferentContent",
    "Disk",
    "FileInfo",
    "FileNotParked",
    "FileTaken",
    "Folder",
    "KeptAnswer",
    "Metadata",
    "MovedFiles",
    "Mover",
    "Package",
    "Room",
    "SealedFileWriter",
    "SealedWithUnknownKey",
    "Spool",
    "SpoolError",
    "Storage",
    "StorageFault",
    "StrandedAnswer",
    "StreamedFiles",
    "Try",
    "UnfitPackage",
    "UnknownFile",
    "is_writable",
    "open_mover",
    "open_spool",
]
