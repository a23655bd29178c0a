"""Saving beside the machine's fsync floor, and emptying a crowded beside a small folder."""

import multiprocessing
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

from core.clock import Clock
from core.sealing import Sealer
from dev.bench.results import Metrics
from spool import AnswerKind, DataType, Disk, KeptAnswer, Metadata, Package, Spool

_KEY = secrets.token_bytes(32)


@dataclass(frozen=True)
class SpoolOptions:
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


def measure_files(options: SpoolOptions) -> Metrics:
    """Small and crowded folders take turns, so that a change in the machine's load hits both."""
    floors, saves, smalls, larges = [], [], [], []
    with _crowded(options) as crowded:
        for left in range(options.rounds, 0, -1):
            floors.append(measure_floor(options))
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                small = open_spool(Path(folder))
                saves.append(measure_saving(small, options))
                smalls.append(measure_import(small, options.small, options.batch))
            # The last turn empties the folder; the rate is that of the whole way from full to empty.
            part = crowded.counts()["pending"] // left
            larges.append(measure_import(crowded, part, options.batch))
        assert crowded.counts()["pending"] == 0
    return _describe(floors, saves, smalls, larges)


def _describe(floors: list[Metrics], saves: list[Metrics], smalls: list[Metrics], larges: list[Metrics]) -> Metrics:
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


def measure_floor(options: SpoolOptions) -> Metrics:
    """What the machine can do at most: write, fsync and rename, then the same with an fsync of the folder."""
    data = os.urandom(options.bytes)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        plain = _rate(options.small, lambda: _write_file(Path(folder), data))
        durable = _rate(options.small, lambda: Disk().fsync_folder(_write_file(Path(folder), data)))
    return {"plain": plain, "durable": durable}


def measure_saving(spool: Spool, options: SpoolOptions) -> Metrics:
    """Packages of sessions of three files each, and provider answers."""
    packages = build_packages(options.small, options.bytes)
    answer = KeptAnswer(os.urandom(options.bytes))
    pending = _rate(options.small, lambda: spool.put_pending(next(packages)))
    return {
        "pending": pending,
        "incoming": _rate(options.small, lambda: spool.put_incoming(str(uuid4()), AnswerKind.HEALTH, answer)),
    }


def measure_import(spool: Spool, files: int, batch: int) -> Metrics:
    """Lists, claims, reads and completes that many files."""
    _reset_peak()
    started, left = time.perf_counter(), files
    while left and (names := spool.list_pending(min(batch, left))):
        for name in names:
            with spool.claim(name) as claimed:
                assert claimed.package.raw_data
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
def _crowded(options: SpoolOptions) -> Iterator[Spool]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        # By another process: the memory of filling must not count as that of importing.
        filler = multiprocessing.get_context("spawn").Process(target=_fill, args=(options, Path(folder), _KEY))
        filler.start()
        filler.join()
        os.sync()
        yield open_spool(Path(folder))


def _fill(options: SpoolOptions, root: Path, key: bytes) -> None:
    spool = open_spool(root, UnsyncedDisk(), key)
    for package in build_packages(options.large, options.bytes):
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
