"""Payloads go after their days; numbers and the dedupe stay. The operators' command finds a broken audit."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
from sqlalchemy import event, text

from core.clock import clock
from services.delivery.unit_of_work import Delivery
from services.stores import Stores
from services.threads.creating import close_thread
from services.threads.reading import read_range
from services.threads.retention import trim_payloads
from streams import StreamsUnavailable
from tests.integration.commands import run_command
from tests.redis_snapshots import put_back, take_snapshot

from .room import NURSE, Room, caller, push_by, sweep_of


def trim(room: Room) -> int:
    """As of a month later."""
    here = room.stores
    return trim_payloads(here.unit_of_work, here.sender, clock.now() + timedelta(days=31), 30)


def test_old_payloads_go_and_their_numbers_stay(room: Room):
    old = [room.envelope() for _ in range(3)]
    room.push(*old)
    with room.stores.sessions.begin() as session:
        session.execute(
            text("update welno.welno_thread_items set created_at = now() - interval '31 days' where seq <= 3")
        )
    room.say()
    now = clock.now()
    assert trim_payloads(room.stores.unit_of_work, room.stores.sender, now, 32) == 0
    assert [trim_payloads(room.stores.unit_of_work, room.stores.sender, now, 30) for _ in range(2)] == [2, 0]
    with room.stores.threads(caller(NURSE)) as unit:
        page = read_range(unit, room.thread_id, first=1, last=None)
    assert ([one.seq for one in page.items], page.trimmed) == ([4, 5], (1, 3))
    assert {one.status for one in room.push(*old)} == {"duplicate"}
    assert room.say() == [6]


def test_everything_is_trimmed_after_ten_years(room: Room):
    room.say(2)
    assert trim_payloads(room.stores.unit_of_work, room.stores.sender, clock.now() + timedelta(days=3651), 3650) == 2
    assert room.items() == []
    assert room.say() == [4]


def test_redis_forgets_what_was_trimmed_and_goes_on_with_what_comes(room: Room):
    room.say(3)
    assert trim(room) == 3
    assert room.streamed() == []
    page = room.stores.events.read_after(room.subject, 1)
    assert (page.gone, page.held_after, page.events) == (True, 4, [])
    assert room.say() == [5]
    assert room.streamed() == [5]
    assert [one.seq for one in room.read_all(after=4)] == [5]


def test_what_was_trimmed_is_served_by_nobody_though_redis_still_has_it(room: Room):
    """As between the trim's commit and the end of the stream."""
    room.say(3)
    with room.stores.sessions.begin() as session:
        session.execute(text("update welno.welno_threads set trimmed_seq = 3"))
    assert room.streamed() == [1, 2, 3, 4]
    page = room.stores.events.read_after(room.subject, 1)
    assert (page.gone, page.held_after, page.events) == (True, 3, [])
    assert [one.seq for one in room.read_all(after=3)] == [4]


def test_a_trim_that_found_redis_away_is_made_up_for(room: Room, monkeypatch: pytest.MonkeyPatch):
    room.say(3)

    def fail(_subject: str) -> None:
        raise StreamsUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(room.stores.streams, "forget", fail)
        assert trim(room) == 0
    assert room.stores.events.read_after(room.subject, 1).gone
    assert [trim(room), trim(room)] == [3, 0]
    assert room.streamed() == []


def test_a_thread_is_trimmed_while_no_other_is_held(room: Room):
    rooms = [room, room.open_another()]
    for one in rooms:
        one.say(2)
    held: list[int] = []
    row = text("select 1 from welno.welno_threads where id = :id for update skip locked")

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE welno.welno_thread_items"):
            with room.stores.sessions() as session:
                held.append(sum(session.execute(row, {"id": one.thread_id}).first() is None for one in rooms))

    event.listen(room.stores.engine, "before_cursor_execute", look)
    try:
        assert trim_payloads(room.stores.unit_of_work, room.stores.sender, clock.now() + timedelta(days=31), 30) == 4
    finally:
        event.remove(room.stores.engine, "before_cursor_execute", look)
    assert held == [1, 1]


def close(room: Room) -> None:
    with room.stores.threads(caller(NURSE)) as unit:
        close_thread(unit, room.thread_id)


def holds_payloads(room: Room) -> bool:
    """Whether Redis has what was written."""
    events = room.stores.streams.read_after(room.subject, 0).events
    return any(event.body.get("envelope", {}).get("payload") for event in events)


def test_the_stream_of_a_closed_thread_goes_though_who_closed_it_died_before(room: Room):
    room.say(2)
    close(room)
    assert holds_payloads(room)
    sweep_of(room.stores).run(0)
    assert not holds_payloads(room)


def test_an_append_that_comes_after_the_stream_was_forgotten_does_not_stay(room: Room):
    late: list[Delivery] = []
    push_by(room, late.append, room.envelope())
    close(room)
    assert room.stores.sender.forget(room.subject)
    assert room.stores.sender.deliver(late[0])
    assert holds_payloads(room)
    sweep_of(room.stores).run(0)
    assert not holds_payloads(room)


@pytest.mark.parametrize("remove", [close, trim])
def test_a_redis_that_comes_back_with_older_data_brings_no_payload_back(
    room: Room, redis_client: redis.Redis, remove: Callable[[Room], object]
):
    room.say(2)
    snapshot = take_snapshot(redis_client)
    remove(room)
    assert room.stores.sender.forget(room.subject)
    put_back(redis_client, snapshot)
    assert holds_payloads(room)
    sweep_of(room.stores).run(0)
    assert not holds_payloads(room)


def test_streams_of_open_threads_are_left_alone(room: Room):
    other = room.open_another()
    other.say()
    close(room)
    sweep_of(room.stores).run(0)
    assert other.streamed() == [1, 2]
    assert holds_payloads(other)


def verify_audit(room: Room, env: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = run_command("tasks.threads", "verify-audit", *arguments, env=env)
    return done.status, done.output


def test_the_command_verifies_every_thread_and_names_a_break(room: Room, demo_env: dict[str, str]):
    other = room.create({})
    status, told = verify_audit(room, demo_env)
    assert status == 0
    assert sorted(line.split()[0] for line in told.splitlines()) == sorted([room.thread_id, other])
    with room.stores.sessions.begin() as session:
        session.execute(text("alter table welno.welno_thread_audit disable trigger append_only"))
        session.execute(text("delete from welno.welno_thread_audit where n = 2"))
        session.execute(text("alter table welno.welno_thread_audit enable always trigger append_only"))
    assert verify_audit(room, demo_env, f"--thread={room.thread_id}") == (1, f"{room.thread_id}  broken at entry 2\n")
    assert verify_audit(room, demo_env, f"--thread={other}")[0] == 0
    assert verify_audit(room, demo_env, "--thread=nothing") == (1, "nothing  no such thread\n")


def test_the_command_renews_the_services_device(stores: Stores, demo_env: dict[str, str]):
    for _ in range(2):
        done = run_command("tasks.threads", "renew-service-device", env=demo_env)
        assert done.status == 0
        with stores.sessions() as session:
            [active] = session.scalars(text("select device_id::text from welno.welno_thread_service_devices"))
        assert done.output == f"the back end's device is {active}\n"
