"""What must hold of links: what was made is there, a location opens once, and of a passcode there are ten tries."""

from collections.abc import Iterator

from dev.bench.chaos.checker import Violation, doubled, left_over, lost
from dev.bench.chaos.workloads.threads.thread_history import StoredLink, ThreadHistory, ToldLink

_TRIES = 10


def check_links(history: ThreadHistory) -> Iterator[Violation]:
    links = history.links
    for link_id, told in links.told.items():
        stored = links.stored.get(link_id)
        if stored is None:
            yield lost(f"the link {link_id} was made, and is not there")
            continue
        yield from _check_life(link_id, told, stored)
        yield from _check_locations(link_id, told, stored)
        yield from _check_tries(link_id, told, stored)
    for link_id, stored in links.stored.items():
        if stored.is_active and not stored.files:
            yield lost(f"the link {link_id} has no file")


def _check_life(link_id: str, told: ToldLink, stored: StoredLink) -> Iterator[Violation]:
    if told.is_ended:
        if stored.is_active or stored.files:
            yield left_over(f"the link {link_id} was ended, and opens")
    elif not stored.is_locked:
        if list(stored.files) != list(told.files):
            yield lost(f"the link {link_id} has other files than were put there")
        if told.refused:
            yield lost(f"the link {link_id} was not there for {told.refused} who came")


def _check_locations(link_id: str, told: ToldLink, stored: StoredLink) -> Iterator[Violation]:
    for opened in told.locations:
        if opened > 1:
            yield doubled(f"a location of {link_id} opened {opened} times")
    # Whoever was answered that it is gone came behind somebody who took it, whether that one was answered or not.
    if stored.files_taken > len(told.locations):
        yield doubled(f"{stored.files_taken} files of {link_id} were taken at {len(told.locations)} locations")
    if stored.files_taken < len(told.locations) and not told.is_ended:
        yield lost(f"{stored.files_taken} files of {link_id} were taken at {len(told.locations)} locations")


def _check_tries(link_id: str, told: ToldLink, stored: StoredLink) -> Iterator[Violation]:
    """A kill takes none back, and gives nobody one more."""
    counts = set(told.remaining)
    if len(counts) < len(told.remaining) or not counts <= set(range(_TRIES)):
        yield doubled(f"{link_id} told {sorted(told.remaining)} as the tries that were left")
    if not len(told.remaining) <= stored.wrong_tries <= _TRIES:
        yield doubled(f"{link_id} told {len(told.remaining)} wrong tries, and counted {stored.wrong_tries}")
    if stored.wrong_tries and not told.has_passcode:
        yield doubled(f"{link_id} counted tries of no passcode")
