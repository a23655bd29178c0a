"""What must hold of records that were asked for: each sending ends, and its messages are there, each once."""

from collections.abc import Iterator

from dev.bench.chaos.checker import Violation, doubled, lost
from dev.bench.chaos.workloads.threads.thread_history import ThreadHistory


def check_sendings(history: ThreadHistory) -> Iterator[Violation]:
    """That nothing else is there, and nothing twice, is looked for among all items."""
    for sending_id in history.sendings_told - history.sendings.keys():
        yield lost(f"the sending {sending_id} was told, and is not there")
    for sending_id in history.sendings.keys() - history.sendings_told:
        yield doubled(f"nobody was told of the sending {sending_id}")
    for sending_id, sending in history.sendings.items():
        if sending.result != "ok":
            yield lost(f"the sending {sending_id} came to {sending.result}")
        there = {item.dedupe_id for item in history.stored.get(sending.thread_id, ())}
        if missing := sending.messages - there:
            yield lost(f"the sending {sending_id} lacks {len(missing)} of {len(sending.messages)} messages")
