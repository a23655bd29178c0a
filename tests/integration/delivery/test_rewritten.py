"""What was erased or redacted stays so, whatever Redis comes back with, and however late whoever is to see to it."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from services.delivery import rewritten
from services.delivery.event_log import erase_events, rewrite_events
from streams import Page, StreamsUnavailable
from tests.redis_snapshots import put_back, take_snapshot

from .conftest import HALL, KINDS, Log


def said(page: Page) -> str:
    return " ".join(event.to_json().decode() for event in page.events)


def rewrite(log: Log) -> None:
    """In PostgreSQL alone, as while Redis is away."""
    with log.sessions.begin() as session:
        masked = lambda body: body | {"text": "redacted"}  # noqa: E731
        assert rewrite_events(session, KINDS.of(HALL), HALL, "김하늘", masked) == 1


def redact(log: Log) -> None:
    rewrite(log)
    log.streams.forget(HALL)


def erase(log: Log) -> None:
    with log.sessions.begin() as session:
        assert erase_events(session, KINDS.of(HALL), [HALL]) == 1
    log.streams.forget(HALL)


def age_rewritten(log: Log, seconds: float) -> None:
    """As if it had been so long ago."""
    statement = text("update welno.welno_rewritten_subjects set rewritten_at = now() - make_interval(secs => :seconds)")
    with log.sessions.begin() as session:
        session.execute(statement, {"seconds": seconds})


def sweep_of_before(log: Log, monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """Rounds of the sweep, the last of which was so long ago by the database's clock."""
    with monkeypatch.context() as past:
        now = text(f"select clock_timestamp() - interval '{minutes} minutes'")
        past.setattr(rewritten, "_NOW", now)
        for _ in range(3):
            log.sweep.run(0)
    log.seconds += minutes * 60


def refuse(*_: object) -> None:
    raise StreamsUnavailable("delete matching: ConnectionError")


@pytest.mark.parametrize("remove", [redact, erase])
def test_what_was_erased_does_not_come_back_with_a_redis_of_before(log: Log, remove: Callable[[Log], None]):
    """Its marks are those of before as well; the server tells that it is another."""
    log.emit(text="김하늘")
    log.redis.hset(HALL, "revision", "1")
    log.sweep.run(0)
    snapshot = take_snapshot(log.redis)
    remove(log)
    put_back(log.redis, snapshot)
    log.sweep._server = "the one before its restart"
    log.sweep.run(0)
    assert "김하늘" not in said(log.streams.read_after(HALL, 0))
    assert not log.redis.exists(HALL)
    assert "김하늘" not in said(log.reader.read_after(HALL, 0))


def test_what_a_late_sender_brings_back_of_something_redacted_is_gone_within_a_minute(log: Log):
    log.sweep.run(0)
    with log.unsent_unit() as work:
        work.emit(HALL, {"text": "김하늘"})
        late = work.deliveries()
    redact(log)
    assert [log.sender.deliver(delivery) for delivery in late] == [True]
    assert "김하늘" in said(log.streams.read_after(HALL, 0))
    log.seconds += 61
    for _ in range(3):
        log.sweep.run(0)
    assert "김하늘" not in said(log.streams.read_after(HALL, 0))


def test_what_a_sender_brings_back_hours_later_is_gone_within_an_hour(log: Log):
    log.sweep.run(0)
    with log.unsent_unit() as work:
        work.emit(HALL, {"text": "김하늘"})
        late = work.deliveries()
    redact(log)
    age_rewritten(log, 5 * 3600)
    assert [log.sender.deliver(delivery) for delivery in late] == [True]
    log.seconds += 3601
    log.sweep.run(0)
    assert "김하늘" not in said(log.streams.read_after(HALL, 0))


def redact_half_an_hour_ago(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what Redis has; the last sweep was a minute before."""
    log.emit(text="김하늘")
    sweep_of_before(log, monkeypatch, minutes=31)
    rewrite(log)
    age_rewritten(log, 30 * 60)


def test_what_was_redacted_while_the_sweeper_stood_still_is_gone_with_its_next_round(
    log: Log, monkeypatch: pytest.MonkeyPatch
):
    redact_half_an_hour_ago(log, monkeypatch)
    log.sweep.run(0)
    assert "김하늘" not in said(log.streams.read_after(HALL, 0))


def test_what_was_redacted_while_redis_was_away_is_gone_when_it_answers_again(
    log: Log, monkeypatch: pytest.MonkeyPatch
):
    """The same server, with its data: it was cut off."""
    redact_half_an_hour_ago(log, monkeypatch)
    with monkeypatch.context() as cut_off:
        cut_off.setattr(log.streams, "delete_matching", refuse)
        with pytest.raises(StreamsUnavailable):
            log.sweep.run(0)
    assert "김하늘" in said(log.streams.read_after(HALL, 0))
    log.seconds += 61
    log.sweep.run(0)
    assert "김하늘" not in said(log.streams.read_after(HALL, 0))


def test_what_was_redacted_is_gone_though_a_long_comparison_is_under_way(log: Log):
    log.emit(text="김하늘")
    log.sweep.run(0)
    log.sweep._comparison = iter([0] * 1000)
    rewrite(log)
    log.seconds += 61
    log.sweep.run(0)
    assert "김하늘" not in said(log.streams.read_after(HALL, 0))


def test_hashes_of_what_was_erased_are_kept_for_as_long_as_redis_may_hold_it(log: Log):
    log.emit(text="김하늘")
    redact(log)
    for days, kept in ((1.9, 0), (2.1, 1)):
        age_rewritten(log, days * 86_400)
        with log.sessions.begin() as session:
            assert log.sweep.keep_rewritten(session) == kept
