"""What must hold of threads, whatever was killed: what was acknowledged is there, once, and all hear it in order; and
what holds of records, larger things and links."""

from collections.abc import Iterator, Sequence

from dev.bench.chaos.checker import Violation, check_answers, doubled, left_over, lost
from dev.bench.chaos.workloads.threads.blob_checks import check_blobs
from dev.bench.chaos.workloads.threads.link_checks import check_links
from dev.bench.chaos.workloads.threads.record_checks import check_sendings
from dev.bench.chaos.workloads.threads.thread_history import NumberedItem, ThreadHistory

# What an answer may be: done, a wrong passcode, nothing of theirs, or a try behind others. Nothing else, whatever was
# killed; each actor knows which of them it may be.
_EXPECTED = frozenset({200, 201, 202, 204, 401, 404, 429})
_OF_OTHERS = (check_sendings, check_blobs, check_links)


def check_threads(history: ThreadHistory) -> list[Violation]:
    checks = (_check_acknowledged, _check_stored, _check_readers, _check_stores, _check_members, *_OF_OTHERS)
    return [violation for check in checks for violation in check(history)]


def _check_acknowledged(history: ThreadHistory) -> Iterator[Violation]:
    stored = {(thread_id, *item) for thread_id, items in history.stored.items() for item in items}
    for dedupe_id, receipt in history.acknowledged.items():
        if (receipt.thread_id, receipt.seq, dedupe_id) not in stored:
            yield lost(f"{dedupe_id} was acknowledged as {receipt.seq} of {receipt.thread_id}, and is not there")


def _check_stored(history: ThreadHistory) -> Iterator[Violation]:
    sent = history.sent.union(*(one.messages for one in history.sendings.values()))
    for thread_id, items in history.stored.items():
        if [one.seq for one in items] != list(range(1, history.ends.get(thread_id, 0) + 1)):
            yield lost(f"{thread_id}: its items are not the numbers up to {history.ends.get(thread_id)}")
        said = [one.dedupe_id for one in items if one.dedupe_id is not None]
        for dedupe_id in {one for one in said if said.count(one) > 1}:
            yield doubled(f"{thread_id}: {dedupe_id} is there more than once")
        for dedupe_id in set(said) - sent:
            yield doubled(f"{thread_id}: nobody sent {dedupe_id}")


def _check_readers(history: ThreadHistory) -> Iterator[Violation]:
    """Each number once, in order, as it is stored."""
    for name, heard in history.read.items():
        for thread_id, items in history.stored.items():
            if (told := _compare(heard.get(thread_id, ()), items)) is not None:
                yield lost(f"{thread_id}: {name} {told}")


def _compare(heard: Sequence[NumberedItem], stored: Sequence[NumberedItem]) -> str | None:
    if list(heard) == list(stored):
        return None
    pairs = enumerate(zip(heard, stored, strict=False))
    at = next((n for n, (one, other) in pairs if one != other), min(len(heard), len(stored)))
    numbers = [one.seq for one in heard[max(at - 2, 0) : at + 3]]
    return f"had {len(heard)} of {len(stored)} items, around the first odd: {numbers}"


def _check_stores(history: ThreadHistory) -> Iterator[Violation]:
    yield from (lost(f"{subject}: its stream is behind its items") for subject in history.behind)
    yield from (left_over(f"{thread_id}: its audit does not hold") for thread_id in history.broken_audits)


def _check_members(history: ThreadHistory) -> Iterator[Violation]:
    yield from (doubled(sentence) for sentence in (*history.trespasses, *history.oddities))
    yield from check_answers(history.answers, history.unanswered, _EXPECTED)
