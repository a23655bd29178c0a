"""A spool on a fresh folder, with a clock that stands still."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.clock import Clock
from core.derived_keys import MasterKey
from core.sealing import Sealer
from spool import DataType, Disk, Metadata, Package, Spool

SESSION = "3f9c1a2b-0d4e-4f6a-8b7c-9d0e1f2a3b4c"
OTHER = "0a1b2c3d-1111-4222-8333-444455556666"
NOW = datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC)
SEALER = Sealer({"test": b"k" * 32, "new": MasterKey(b"n" * 32)})
# The same keys after a rotation.
ROTATED = Sealer({"new": MasterKey(b"n" * 32), "test": b"k" * 32})


@pytest.fixture
def clock() -> Iterator[Clock]:
    with Clock().frozen(NOW) as frozen:
        yield frozen


@pytest.fixture
def open_spool(tmp_path: Path, clock: Clock) -> Callable[..., Spool]:
    def build(disk: Disk | None = None, folder: str = "data") -> Spool:
        return Spool(tmp_path / folder, SEALER, clock, disk)

    return build


@pytest.fixture
def spool(open_spool: Callable[..., Spool]) -> Spool:
    made = open_spool()
    made.ensure_folders()
    return made


def package(data_type: DataType = DataType.HEALTH, session_id: str = SESSION, raw: Any = None) -> Package:
    records = {"ResultList": [{"Name": "신장", "Value": "171.3"}]} if raw is None else raw
    return Package(Metadata(session_id, data_type, "7c1f0e9a-invented", "PEERNINE", NOW), records)


def complete(spool: Spool, name: str) -> None:
    with spool.claim(name) as claimed:
        spool.complete(claimed)
