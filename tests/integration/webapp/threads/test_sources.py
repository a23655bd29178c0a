"""A thread's stream for one member, over a restore of an older database."""

from flask import Flask
from sqlalchemy import Engine, text

from services.threads.reading import find_thread
from streams import Position, StoredEvent, encode_body
from webapp.api.threads.live.authority import ThreadAuthority
from webapp.api.threads.live.sources import ThreadSource
from webapp.auth.thread_members import KnownMember
from webapp.current import parts

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
