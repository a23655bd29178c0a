"""A file system that is really full, under the whole product: nothing is bought that could not be kept."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.product import Product, run_product
from tests.end_to_end.provider import CHECKUPS, TREATMENTS
from tests.waiting import wait_until

_SIZE = 24 * 1024 * 1024
_PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own; only root may mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)], check=False)
    if mounted.returncode != 0:
        pytest.skip("nothing may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def cramped(migrated_home: Path, small_disk: Path) -> Iterator[Product]:
    with run_product(migrated_home, _PROCESSES, TILKO_DATA_DIR=str(small_disk / "data")) as product:
        yield product


def fill(folder: Path) -> Path:
    """To the last byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return filler


def test_a_full_disk_buys_nothing_and_collects_when_there_is_room_again(cramped: Product, small_disk: Path):
    visit = cramped.meet().is_known_with().start().asks_for_push()
    visit.wait_for("auth_waiting")
    filler = fill(small_disk)
    wait_until(lambda: cramped.get("/readyz").status_code == 503)
    visit.approves()
    visit.wait_for("auth_completed")
    wait_until(lambda: "disk_full" in (cramped.logs / "worker.log").read_text())
    bought = [cramped.provider.count_calls(path, visit.cx_id) for path in (CHECKUPS, TREATMENTS)]
    assert bought == [0, 0]
    filler.unlink()
    visit.wait_for("completed", timeout=60)
    assert cramped.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
    wait_until(lambda: cramped.get("/readyz").status_code == 200)
