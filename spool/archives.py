"""Archives that a person asked for: sealed files of their own folder, outside of the four states of packages."""

from collections import Counter
from contextlib import suppress
from pathlib import PurePath
from uuid import UUID

from core.sealing import HEADER_BYTES, Sealer, SealError, UnknownSealingKey, key_id_of
from spool.errors import DamagedFile, SealedWithUnknownKey, UnknownFile
from spool.storage import Storage, translated

_FOLDER = "exports"


class Archives:
    """`exports/{patient_uuid}/{export_id}`: who erases a patient needs no list."""

    def __init__(self, storage: Storage, sealer: Sealer) -> None:
        self.storage = storage
        self._sealer = sealer

    @translated
    def put(self, patient_uuid: UUID, export_id: UUID, archive: bytes, seconds: float) -> None:
        """Whole or absent, durable. A second one replaces the first."""
        path = self._path(patient_uuid, export_id)
        self.storage.ensure_folder(path.parent)
        self.storage.replace(path, self._sealer.seal(archive, _context(patient_uuid, export_id)), seconds)

    @translated
    def read(self, patient_uuid: UUID, export_id: UUID) -> bytes:
        """Raises UnknownFile, DamagedFile, SealedWithUnknownKey."""
        try:
            sealed = self.storage.read(self._path(patient_uuid, export_id))
        except FileNotFoundError:
            raise UnknownFile from None
        try:
            return self._sealer.open(sealed, _context(patient_uuid, export_id))
        except UnknownSealingKey as exc:
            raise SealedWithUnknownKey from exc
        except SealError as exc:
            raise DamagedFile("sealed") from exc

    @translated
    def drop(self, patient_uuid: UUID, export_id: UUID) -> None:
        path = self._path(patient_uuid, export_id)
        with suppress(FileNotFoundError):
            self.storage.remove(path)
            self.storage.sync(path.parent)
        self._remove_empty(path.parent)

    @translated
    def count(self, patient_uuid: UUID) -> int:
        return len(self._names(patient_uuid))

    @translated
    def count_keys(self) -> Counter[str | None]:
        """Archives by the id of the key that sealed them; None for what is none of ours. They are not sealed anew: they
        are gone within a day, and who replaced one could bring back what is being erased."""
        counted: Counter[str | None] = Counter()
        for folder in self._listed(self.storage.root / _FOLDER):
            for path in self._listed(folder):
                with suppress(FileNotFoundError):  # fetched meanwhile
                    counted[key_id_of(self.storage.read_beginning(path, HEADER_BYTES))] += 1
        return counted

    @translated
    def drop_all(self, patient_uuid: UUID) -> None:
        """Also what a writer that died has left there."""
        folder = self._folder(patient_uuid)
        for name in self._names(patient_uuid):
            with suppress(FileNotFoundError):
                self.storage.remove(folder / name)
        self._remove_empty(folder)

    def _remove_empty(self, folder: PurePath) -> None:
        # Another archive may lie in it: rmdir refuses, which is what we want.
        with suppress(OSError):
            self.storage.remove_empty(folder)
            self.storage.sync(folder.parent)

    def _listed(self, folder: PurePath) -> list[PurePath]:
        try:
            return [folder / name for name in self.storage.names(folder)]
        except FileNotFoundError:
            return []

    def _names(self, patient_uuid: UUID) -> list[str]:
        return [path.name for path in self._listed(self._folder(patient_uuid))]

    def _folder(self, patient_uuid: UUID) -> PurePath:
        return self.storage.root / _FOLDER / str(patient_uuid)

    def _path(self, patient_uuid: UUID, export_id: UUID) -> PurePath:
        return self._folder(patient_uuid) / str(export_id)


def _context(patient_uuid: UUID, export_id: UUID) -> str:
    return f"export/{patient_uuid}/{export_id}"
