"""A thread's stream for one member, over a restore of an older database."""

from datetime import timedelta

import orjson
import pytest
from flask import Flask
from sqlalchemy import Engine, text

from core.clock import clock
from services.threads.reading import find_thread
from streams import Position, StoredEvent, encode_body
from tests.integration.webapp.people import Person
from webapp.api.threads.live.authority import ThreadAuthority
from webapp.api.threads.live.sources import ThreadSource
from webapp.auth.thread_members import KnownMember, require_known
from webapp.current import parts
from webapp.relay.closing import CloseCode

from .members import Member, Talk

_STANDS = text("""
    update welno.welno_thread_members set joined_seq = :seq, visible_from = :seq
    where thread_id = :id and member = :me
""")


def removal_of(member: Member, seq: int, epoch: str) -> StoredEvent:
    body = {"type": "system", "event": "member_removed", "data": {"memberId": member.member}}
    return StoredEvent.from_body(seq, epoch, encode_body(body))


def test_a_removal_after_a_restore_ends_a_reader_who_had_joined_later(
    app: Flask, talk: Talk, patient: Member, engine: Engine
):
    here = parts(app).stores

    def stand_at(seq: int) -> None:
        with engine.begin() as connection:
            connection.execute(_STANDS, {"seq": seq, "id": talk.id, "me": patient.member})

    stand_at(40)
    with here.sessions() as session:
        opened = find_thread(session, talk.id, patient.member)
    source = ThreadSource(here, ThreadAuthority(here), KnownMember(patient.member), opened, Position(opened.epoch, 50))
    assert source.restart_after == 39
    assert not source.is_ended_by(removal_of(patient, 12, opened.epoch))
    stand_at(2)
    source.resync(Position("ffffffffffffffff", 1))
    assert source.restart_after == 1
    assert source.is_ended_by(removal_of(patient, 12, "ffffffffffffffff"))


@pytest.mark.parametrize("reason", ["removed", "closed"])
def test_a_review_leaves_a_reader_to_the_item_that_ends_them_and_then_says_why(
    app: Flask, talk: Talk, nurse: Member, patient: Member, owner: Person, reason: str
):
    """As where Redis does not have the item yet, or the reader is pages behind it."""
    here = parts(app).stores
    authority = ThreadAuthority(here)
    with here.sessions() as session:
        opened = find_thread(session, talk.id, patient.member)
    with app.test_request_context(headers=owner.bearer):
        source = ThreadSource(here, authority, require_known(), opened, None)
    assert authority.review([source.right]) == [None]
    if reason == "removed":
        assert patient.post(f"/{talk.id}/members/remove", {"memberId": patient.member}).status_code == 200
    else:
        assert nurse.ask("DELETE", f"/{talk.id}").status_code == 204
    assert authority.review([source.right]) == [None]
    with clock.frozen(clock.now() + timedelta(seconds=61)):
        assert authority.review([source.right]) == [CloseCode.UNKNOWN]
    assert orjson.loads(source.ended(CloseCode.UNKNOWN))["reason"] == reason
