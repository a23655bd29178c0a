"""What must hold of larger things: what was told as whole is read whole by all, and nothing else stays on the disk."""

from collections.abc import Iterator

from dev.bench.chaos.checker import Violation, left_over, lost
from dev.bench.chaos.workloads.threads.thread_history import BlobHistory, ThreadHistory


def check_blobs(history: ThreadHistory) -> Iterator[Violation]:
    yield from _check_blobs(history.blobs)


def _check_blobs(blobs: BlobHistory) -> Iterator[Violation]:
    for blob_id, wanted in blobs.completed.items():
        for reader, found in blobs.read.get(blob_id, {"everybody": None}).items():
            if found is None:
                yield lost(f"{blob_id} was complete, and is not there for {reader}")
            elif found != wanted:
                yield lost(f"{blob_id} was complete, and {reader} reads something else")
    for blob_id in blobs.completed.keys() - blobs.kept:
        yield lost(f"{blob_id} was complete, and went with those that were given up")
    for blob_id in blobs.kept - blobs.completed.keys():
        yield left_over(f"{blob_id} was given up, and is there a day later")
    yield from (left_over(f"{name} is on the disk, and no blob has it") for name in blobs.odd_files)
