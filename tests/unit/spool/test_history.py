"""The decision whether and when a failed file is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from spool.history import History, Try, after_failure, after_parking, check_code, dump_history, load_history

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("granted", "retry_count", "wait", "parked"),
    [(0, 1, 60, False), (1, 2, 600, False), (2, 3, 3600, False), (3, 3, None, True), (7, 7, None, True)],
)
def test_failure_grants_a_retry_or_parks(granted: int, retry_count: int, wait: int | None, parked: bool) -> None:
    after = after_failure(History(granted), Try(NOW, "refused"), max_tries=3, delays=(60, 600, 3600))
    due = None if wait is None else NOW + timedelta(seconds=wait)
    assert (after.retry_count, after.next_retry_at, after.parked) == (retry_count, due, parked)


def test_last_delay_serves_all_further_tries() -> None:
    after = after_failure(History(5), Try(NOW, "refused"), max_tries=9, delays=(1, 2))
    assert after.next_retry_at == NOW + timedelta(seconds=2)


def test_parking_ends_the_tries() -> None:
    after = after_parking(History(1, NOW, tries=(Try(NOW, "refused"),)), Try(NOW, "checksum"))
    assert (after.parked, after.is_due(NOW), after.last_error) == (True, False, "checksum")
    assert [one.reason for one in after.tries] == ["refused", "checksum"]


@pytest.mark.parametrize(("seconds", "due"), [(-1, False), (0, True), (1, True)])
def test_file_is_due_from_its_moment_on(seconds: int, due: bool) -> None:
    assert History(1, NOW).is_due(NOW + timedelta(seconds=seconds)) is due


def test_list_of_tries_stays_bounded() -> None:
    history = History()
    for number in range(200):
        history = after_parking(history, Try(NOW, f"reason_{number}"))
    assert (len(history.tries), history.last_error) == (50, "reason_199")


def test_history_survives_the_way_to_disk() -> None:
    history = History(2, NOW, parked=False, tries=(Try(NOW, "a"), Try(NOW, "b.c:d-e")))
    assert load_history(dump_history(history)) == history


@pytest.mark.parametrize("stored", [b"", b"{", b"[]", b"{}", b'{"history": {}, "checksum": "0"}', b"\xff"])
def test_damaged_history_counts_as_none(stored: bytes) -> None:
    assert load_history(stored) == History()


def test_every_flipped_bit_of_a_history_is_noticed() -> None:
    history = History(2, NOW, parked=True, tries=(Try(NOW, "checksum"),))
    stored = dump_history(history)
    for place in range(len(stored)):
        flipped = stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]
        assert load_history(flipped) in (History(), history)


@pytest.mark.parametrize("reason", ["", "With Capital", "spaces here", "김하늘", "x" * 65, "line\n"])
def test_reasons_that_are_no_codes_are_refused(reason: str) -> None:
    with pytest.raises(ValueError, match="short code"):
        check_code(reason)
