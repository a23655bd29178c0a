"""Measures the spool: saving beside the machine's fsync floor, emptying a crowded beside a small folder, and the
import of its files into PostgreSQL beside a plain COPY of the same rows.

    python -m dev.bench.spool --small 1000 --large 100000 --bytes 4096 --import-files 500

Prints a table and, as the last line, the same figures as JSON.
"""

import argparse
import json
import multiprocessing
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

from core.clock import Clock
from core.sealing import Sealer
from dev.bench.figures import Figures
from dev.bench.spool_import import measure_imports
from spool import Claimed, DataType, Disk, Metadata, Package, Spool

Consume = Callable[[Claimed], object]
_KEY = secrets.token_bytes(32)


@dataclass(frozen=True)
class Plan:
    small: int
    large: int
    bytes: int
    batch: int
    rounds: int
    import_files: int
    folder: Path


class UnsyncedDisk(Disk):
    """Fills a folder before a measurement; what a crash would lose then does not matter."""

    def fsync(self, handle: int) -> None:
        pass

    def fsync_folder(self, path: Path) -> None:
        pass


def read_plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.spool", description=__doc__)
    parser.add_argument("--small", type=int, default=1000, help="files in the small folder, and saved per round")
    parser.add_argument("--large", type=int, default=100_000, help="files in the crowded folder")
    parser.add_argument("--bytes", type=int, default=4096, help="size of the records in a file")
    parser.add_argument("--batch", type=int, default=10_000, help="names asked for at once")
    parser.add_argument(
        "--rounds", type=int, default=5, help="repetitions of the small measurements; their median counts"
    )
    parser.add_argument(
        "--import-files", type=int, default=500, help="files brought into PostgreSQL per round; 0: none"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to measure: a real disk"
    )
    return Plan(**vars(parser.parse_args(arguments)))


def run(plan: Plan, consume: Consume) -> Figures:
    """Small and crowded folders take turns, so that a change in the machine's load hits both."""
    floors, saves, smalls, larges = [], [], [], []
    with _crowded(plan) as crowded:
        for left in range(plan.rounds, 0, -1):
            floors.append(measure_floor(plan))
            with tempfile.TemporaryDirectory(dir=plan.folder) as folder:
                small = open_spool(Path(folder))
                saves.append(measure_saving(small, plan))
                smalls.append(measure_import(small, plan.small, plan.batch, consume))
            # The last turn empties the folder; the rate is that of the whole way from full to empty.
            part = crowded.counts()["pending"] // left
            larges.append(measure_import(crowded, part, plan.batch, consume))
        assert crowded.counts()["pending"] == 0
    return _figures(floors, saves, smalls, larges)


def _figures(floors: list[Figures], saves: list[Figures], smalls: list[Figures], larges: list[Figures]) -> Figures:
    small = median(one["rate"] for one in smalls)
    large = sum(one["files"] for one in larges) / sum(one["seconds"] for one in larges)
    floor, durable_floor = (median(one[name] for one in floors) for name in ("plain", "durable"))
    saved = median(one["pending"] for one in saves)
    return {
        "floor_files_per_second": floor,
        "floor_with_folder_fsync_files_per_second": durable_floor,
        "saved_packages_per_second": saved,
        "saved_answers_per_second": median(one["incoming"] for one in saves),
        "saved_to_floor_ratio": saved / floor,
        "saved_to_floor_with_folder_fsync_ratio": saved / durable_floor,
        "small_imports_per_second": small,
        "large_imports_per_second": large,
        "large_first_part_imports_per_second": larges[0]["rate"],
        "large_to_small_ratio": large / small,
        "small_peak_rss_mib": max(one["peak_rss_mib"] for one in smalls),
        "large_peak_rss_mib": max(one["peak_rss_mib"] for one in larges),
    }


def measure_floor(plan: Plan) -> Figures:
    """What the machine can do at most: write, fsync and rename, then the same with an fsync of the folder."""
    data = os.urandom(plan.bytes)
    with tempfile.TemporaryDirectory(dir=plan.folder) as folder:
        plain = _rate(plan.small, lambda: _write_file(Path(folder), data))
        durable = _rate(plan.small, lambda: Disk().fsync_folder(_write_file(Path(folder), data)))
    return {"plain": plain, "durable": durable}


def measure_saving(spool: Spool, plan: Plan) -> Figures:
    """Packages of sessions of three files each, and provider answers."""
    packages = build_packages(plan.small, plan.bytes)
    answer = os.urandom(plan.bytes)
    pending = _rate(plan.small, lambda: spool.put_pending(next(packages)))
    return {
        "pending": pending,
        "incoming": _rate(plan.small, lambda: spool.put_incoming(str(uuid4()), DataType.HEALTH, answer)),
    }


def measure_import(spool: Spool, files: int, batch: int, consume: Consume) -> Figures:
    """Lists, claims, consumes and completes that many files."""
    _reset_peak()
    started, left = time.perf_counter(), files
    while left and (names := spool.list_pending(min(batch, left))):
        for name in names:
            with spool.claim(name) as claimed:
                consume(claimed)
                spool.complete(claimed)
        left -= len(names)
    seconds = time.perf_counter() - started
    return {"files": files - left, "seconds": seconds, "rate": (files - left) / seconds, "peak_rss_mib": _peak_mib()}


def build_packages(files: int, size_bytes: int) -> Iterator[Package]:
    types = list(DataType)
    session = uuid4()
    for number in range(files):
        if number % len(types) == 0:
            session = UUID(int=secrets.randbits(128))
        metadata = Metadata(str(session), types[number % len(types)], str(session), "PEERNINE", datetime.now(UTC))
        yield Package(metadata, {"number": number, "records": "x" * size_bytes})


def open_spool(root: Path, disk: Disk | None = None, key: bytes = _KEY) -> Spool:
    spool = Spool(root, Sealer({"bench": key}), Clock(), disk)
    spool.ensure_folders()
    return spool


@contextmanager
def _crowded(plan: Plan) -> Iterator[Spool]:
    with tempfile.TemporaryDirectory(dir=plan.folder) as folder:
        # By another process: the memory of filling must not count as that of importing.
        filler = multiprocessing.get_context("spawn").Process(target=_fill, args=(plan, Path(folder), _KEY))
        filler.start()
        filler.join()
        os.sync()
        yield open_spool(Path(folder))


def _fill(plan: Plan, root: Path, key: bytes) -> None:
    spool = open_spool(root, UnsyncedDisk(), key)
    for package in build_packages(plan.large, plan.bytes):
        spool.put_pending(package)


_numbers = count()


def _write_file(folder: Path, data: bytes) -> Path:
    temporary, name = folder / "temporary", folder / str(next(_numbers))
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(handle, data)
    os.fsync(handle)
    os.close(handle)
    temporary.rename(name)
    return folder


def _rate(times: int, call: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(times):
        call()
    return times / (time.perf_counter() - started)


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _read_only(claimed: Claimed) -> object:
    return claimed.package.raw_data


def main(arguments: Sequence[str]) -> int:
    plan = read_plan(arguments)
    figures = run(plan, _read_only)
    if plan.import_files:
        figures |= measure_imports(plan.import_files, plan.rounds, plan.folder)
    print(f"small {plan.small} files, large {plan.large} files, {plan.bytes} bytes each, {plan.rounds} rounds;")
    print(f"{plan.import_files} files imported into PostgreSQL\n")
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<45}{value:>12,.2f}")
    print()
    print(json.dumps({"bench": "spool", **vars(plan), "folder": None, **figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
