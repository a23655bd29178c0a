"""Where the layers of the floors' maps are kept: a folder, or whatever else fits the interface."""

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# Beside the folders of the spool: what is backed up with it.
MAPS_FOLDER = "maps"
# In the order in which a page asks for them.
LAYERS = ("base", "rooms", "route", "labels")
_FLOOR = re.compile(r"-?[0-9]{1,3}", re.ASCII)
_HASH_CHARACTERS = 20


class MapNotFound(Exception):
    """No such floor, layer, or version of it."""

    retryable = False


class MapStore(Protocol):
    """Keeps bytes under keys of `[a-z0-9-]` and single slashes. Raises OSError when it is away."""

    def put(self, key: str, content: bytes) -> None:
        """Replaces all of what was there, or nothing."""
        ...

    def get(self, key: str) -> bytes | None: ...


@dataclass(frozen=True)
class MapLayer:
    """One layer as it is served. `version` changes with its content."""

    floor: str
    name: str
    content: bytes

    @property
    def version(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:_HASH_CHARACTERS]


class FolderMapStore:
    """In a folder that all web processes share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: bytes) -> None:
        target = self._folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as handle:
            written = Path(handle.name)
            try:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
                written.replace(target)
            except OSError:
                written.unlink(missing_ok=True)
                raise

    def get(self, key: str) -> bytes | None:
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None


class FloorMaps:
    """The layers of all floors in one store."""

    def __init__(self, store: MapStore) -> None:
        self._store = store

    def list_layers(self, floor: str) -> list[MapLayer]:
        """Those that the floor has, in the order of LAYERS. Raises MapNotFound where it has none."""
        found = [
            MapLayer(floor, name, content)
            for name in LAYERS
            if (content := self._store.get(_key(floor, name))) is not None
        ]
        if not found:
            raise MapNotFound
        return found

    def read_layer(self, floor: str, name: str) -> MapLayer:
        """Raises MapNotFound."""
        content = self._store.get(_key(floor, name))
        if content is None:
            raise MapNotFound
        return MapLayer(floor, name, content)

    def put_layer(self, floor: str, name: str, content: bytes) -> MapLayer:
        """`content` was sanitized. Raises MapNotFound for a floor or layer that cannot be."""
        self._store.put(_key(floor, name), content)
        return MapLayer(floor, name, content)


def _key(floor: str, name: str) -> str:
    """What the address says is never part of a path before it was recognised."""
    if not _FLOOR.fullmatch(floor) or name not in LAYERS:
        raise MapNotFound
    return f"{floor}/{name}.svg"
