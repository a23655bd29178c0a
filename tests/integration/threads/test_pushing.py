"""Pushing: the order of refusals row by row, one entry for whatever comes twice, gaps, the audit of it all."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from models.threads import MemberRole
from services.threads.audit import verify_thread
from services.threads.devices import revoke_device
from services.threads.judging import EnvelopeRefusal as No
from services.threads.keysets import make_keyset, read_keyset
from services.threads.membership import NewMember, add_member, change_role, remove_member
from services.threads.pushing import Verdict
from services.threads.reading import describe_status
from tests.thread_devices import ClientDevice
from tests.waiting import wait_until

from .room import NURSE, PATIENT, STRANGER, Room, caller


def told(verdicts: list[Verdict]) -> list[tuple[Any, ...]]:
    return [(one.refusal or one.status, one.seq) for one in verdicts]


def test_a_batch_is_answered_in_its_order_and_one_bad_envelope_blocks_no_other(room: Room):
    good, other = room.envelope(), room.envelope()
    verdicts = room.push(good, None, {"dedupeId": "x"}, other, good | {"payload": other["payload"]})
    assert told(verdicts) == [
        ("accepted", 2),
        (No.INVALID_ENVELOPE, None),
        (No.INVALID_ENVELOPE, None),
        ("accepted", 3),
        (No.HASH_MISMATCH, None),
    ]
    assert [one.submission.echo() for one in verdicts][1:3] == [{}, {"dedupeId": "x"}]


def test_the_same_batch_twice_is_taken_once(room: Room):
    batch = [room.envelope() for _ in range(5)]
    assert told(room.push(*batch)) == [("accepted", seq) for seq in range(2, 7)]
    assert told(room.push(*batch)) == [("duplicate", seq) for seq in range(2, 7)]
    assert len(room.items()) == 6


def test_duplicates_within_a_batch_are_one_entry(room: Room):
    one = room.envelope()
    assert told(room.push(one, one, one)) == [("accepted", 2), ("duplicate", 2), ("duplicate", 2)]


def test_twenty_identical_pushes_at_once_are_one_entry(room: Room):
    batch = [room.envelope() for _ in range(3)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: told(room.push(*batch)), range(20)))
    assert sorted(status for answer in answers for status, _ in answer) == ["accepted"] * 3 + ["duplicate"] * 57
    assert {tuple(seq for _, seq in answer) for answer in answers} == {(2, 3, 4)}


def test_one_dedupe_id_with_two_contents_is_a_conflict(room: Room):
    first = room.envelope()
    second = room.envelope(dedupeId=first["dedupeId"])
    assert told(room.push(first, second)) == [("accepted", 2), (No.DEDUPE_CONFLICT, None)]
    assert told(room.push(second, first)) == [(No.DEDUPE_CONFLICT, None), ("duplicate", 2)]


def test_a_client_seq_that_another_envelope_used_is_a_conflict(room: Room):
    first, second = room.envelope(clientSeq=1), room.envelope(clientSeq=1)
    assert told(room.push(first, second)) == [("accepted", 2), (No.CLIENT_SEQ_CONFLICT, None)]
    assert told(room.push(second)) == [(No.CLIENT_SEQ_CONFLICT, None)]


def faulty(room: Room) -> list[tuple[No, dict[str, Any]]]:
    """Each envelope has its own fault and all those that are looked for later, as far as one can have both."""
    other = ClientDevice(PATIENT)
    elsewhere = {"threadId": "AAAAAAAAAAAAAAAAAAAAAA"}
    unsigned = room.envelope() | {"sig": "A" * 86}
    hashless = unsigned | {"payloadHash": "sha256:" + "0" * 64}
    return [
        (No.INVALID_ENVELOPE, hashless | elsewhere | {"kind": "?", "clientId": other.device_id}),
        (No.TOO_LARGE, hashless | elsewhere | {"payload": "A" * 54_616, "clientId": other.device_id}),
        (No.THREAD_NOT_FOUND, hashless | elsewhere | {"clientId": other.device_id}),
        (No.UNKNOWN_DEVICE, hashless | {"clientId": other.device_id}),
        (No.HASH_MISMATCH, hashless),
        (No.BAD_SIGNATURE, unsigned),
    ]


def test_each_fault_is_told_before_those_that_come_after_it(room: Room):
    cases = faulty(room)
    assert told(room.push(*(envelope for _, envelope in cases))) == [(no, None) for no, _ in cases]


def test_a_reader_is_forbidden_before_their_device_is_looked_at(room: Room):
    with room.stores.threads(caller(NURSE)) as unit:
        change_role(unit, room.thread_id, PATIENT, MemberRole.READER)
    envelope = room.envelope() | {"clientId": ClientDevice(PATIENT).device_id}
    assert told(room.push(envelope)) == [(No.FORBIDDEN, None)]


def test_the_key_is_looked_at_after_the_dedupe(room: Room):
    accepted = room.envelope()
    room.push(accepted)
    room.secrets["k2"] = room.secrets["k1"]
    assert told(room.push(room.envelope(kid="k2"))) == [(No.UNKNOWN_KEY, None)]
    room.rotate("k2", [room.nurse, room.patient])
    late = room.envelope(kid="k1")
    assert told(room.push(late)) == [("accepted", 4)]
    with room.stores.sessions.begin() as session:
        session.execute(text("update welno.welno_thread_keysets set retires_at = now() where generation = 1"))
    conflict = room.envelope(kid="k1", dedupeId=accepted["dedupeId"])
    retired = room.envelope(kid="k1", clientSeq=1)
    answers = [(No.DEDUPE_CONFLICT, None), ("duplicate", 2), (No.KEY_RETIRED, None)]
    assert told(room.push(conflict, accepted, retired)) == answers
    anew = room.envelope(kid="k2", dedupeId=retired["dedupeId"], clientSeq=9)
    assert told(room.push(anew)) == [("accepted", 5)]


def test_a_stranger_learns_nothing_and_leaves_nothing(room: Room):
    before = room.audit()
    envelope = room.envelope()
    assert told(room.push(envelope, member=STRANGER)) == [(No.THREAD_NOT_FOUND, None)]
    assert room.audit() == before


def test_nobody_writes_by_anothers_device(room: Room):
    assert told(room.push(room.envelope(room.nurse), member=PATIENT)) == [(No.UNKNOWN_DEVICE, None)]


def test_a_revoked_device_writes_no_more(room: Room):
    with room.stores.threads(caller(PATIENT)) as unit:
        revoke_device(
            unit,
            unit.session.execute(
                text("select device_id from welno.welno_thread_devices where member = :member"), {"member": PATIENT}
            ).scalar_one(),
        )
    assert told(room.push(room.envelope())) == [(No.UNKNOWN_DEVICE, None)]


def test_a_removal_at_the_same_moment_comes_before_or_after_a_push_and_never_between(room: Room):
    batches = [[room.envelope()] for _ in range(30)]
    devices, secret = [room.nurse], b"s" * 32
    keyset = room.nurse.keyset(room.thread_id, "k2", secret, devices, room.prev)

    def remove() -> None:
        with room.stores.threads(caller(NURSE)) as unit:
            remove_member(unit, room.thread_id, PATIENT, read_keyset(room.thread_id, keyset))

    with ThreadPoolExecutor(8) as pool:
        pushes = [pool.submit(room.push, *batch) for batch in batches[:15]]
        removal = pool.submit(remove)
        pushes += [pool.submit(room.push, *batch) for batch in batches[15:]]
        removal.result()
        statuses = {answer for push in pushes for answer, _ in told(push.result())}
    assert statuses <= {"accepted", No.THREAD_NOT_FOUND}
    kinds = [item.get("event", "message") for item in room.items()]
    assert kinds[-2:] == ["member_removed", "key"]
    assert [item["seq"] for item in room.items()] == list(range(1, len(kinds) + 1))


@pytest.mark.parametrize("change", ["removal", "newcomer", "rotation"])
def test_a_push_that_began_before_a_key_was_retired_is_refused_when_it_waited_for_its_locks(room: Room, change: str):
    """It read the clock before; another thread of its batch was held by somebody."""
    doctor, late = ClientDevice("staff:doctor"), ClientDevice("staff:late")
    for device in (doctor, late):
        room.register(device)
    first, second = sorted((room.open_another(doctor), room.open_another(doctor)), key=lambda one: one.thread_id)
    batch = [first.envelope(), second.envelope()]
    stays = {"removal": [], "newcomer": [doctor, late], "rotation": [doctor]}[change]
    told_keyset = room.nurse.keyset(second.thread_id, "k2", b"s" * 32, [room.nurse, room.patient, *stays], second.prev)
    keyset = read_keyset(second.thread_id, told_keyset)
    with ThreadPoolExecutor(1) as pool:
        with room.stores.sessions.begin() as holder:
            row = text("select 1 from welno.welno_threads where id = :id for update")
            holder.execute(row, {"id": first.thread_id})
            push = pool.submit(room.push, *batch)
            wait_until(room.has_waiting_lock, every=0.005)
            with room.stores.threads(caller(NURSE)) as unit:
                if change == "removal":
                    remove_member(unit, second.thread_id, doctor.member, keyset)
                elif change == "newcomer":
                    newcomer = NewMember(late.member, MemberRole.WRITER, with_history=False, keyset=keyset)
                    assert add_member(unit, second.thread_id, newcomer)
                else:
                    no_grace = replace(unit, settings=replace(unit.settings, key_grace_seconds=0))
                    assert make_keyset(no_grace, keyset)
        answers = [one.refusal or one.status for one in push.result(timeout=10)]
    assert answers == ["accepted", No.KEY_RETIRED]


@pytest.mark.parametrize(
    ("seqs", "gaps"),
    [
        ([1, 2, 3], [None, None, None]),
        ([2], [(1, 1)]),
        ([5], [(1, 4)]),
        ([5, 3, 7], [(1, 4), (1, 2), (1, 2)]),
        ([3, 1, 5, 2, 4, 6], [(1, 2), None, (2, 2), None, None, None]),
    ],
)
def test_missing_numbers_of_a_sender_are_told(room: Room, seqs: list[int], gaps: list[Any]):
    in_one = [one.gap for one in room.push(*(room.envelope(room.nurse, clientSeq=seq) for seq in seqs), member=NURSE)]
    one_by_one = [room.push(room.envelope(clientSeq=seq))[0].gap for seq in seqs]
    assert in_one == one_by_one == gaps


def test_a_hole_that_is_filled_leads_over_what_came_before(room: Room):
    room.push(*(room.envelope(clientSeq=seq) for seq in range(2, 60)))
    assert room.push(room.envelope(clientSeq=1))[0].gap is None
    assert room.push(room.envelope(clientSeq=61))[0].gap == (60, 60)


def test_holes_that_one_batch_fills_together_lead_over_more_than_a_page(room: Room):
    """The later hole comes first, and so stands in no page of what has come before."""
    come = {"id": room.thread_id, "client": room.patient.device_id}
    with room.stores.sessions.begin() as session:
        session.execute(
            text("""
                insert into welno.welno_thread_items (thread_id, seq, type, dedupe_id, client_id, client_seq, body)
                select :id, n, 'message', gen_random_uuid(), cast(:client as uuid), n, '{}'
                from generate_series(2, 2500) n where n <> 601
            """),
            come,
        )
        session.execute(
            text("insert into welno.welno_thread_clients values (:id, cast(:client as uuid), 0, 2500)"), come
        )
        session.execute(text("update welno.welno_threads set last_seq = 2500 where id = :id"), come)
    assert [one.gap for one in room.push(room.envelope(clientSeq=601), room.envelope(clientSeq=1))] == [(1, 1), None]
    with room.stores.threads(caller(NURSE)) as unit:
        assert describe_status(unit, room.thread_id)["gaps"] == []
    assert room.push(room.envelope(clientSeq=2501))[0].gap is None


def test_the_audit_tells_each_outcome_and_its_chain_holds(room: Room):
    good, other = room.envelope(), room.envelope()
    room.push(good, other)
    room.push(good, {"threadId": room.thread_id}, other | {"sig": "A" * 86}, other | {"sig": "B" * 85 + "A"})
    assert room.audit() == [
        ("create", "ok", None, None, None),
        ("key_rotate", "ok", None, 1, 1),
        ("push", "ok", 2, 2, 3),
        ("push_duplicate", "ok", 1, 2, 2),
        ("push_rejected", "BAD_SIGNATURE", 2, None, None),
        ("push_rejected", "INVALID_ENVELOPE", 1, None, None),
    ]
    with room.stores.sessions() as session:
        verified = verify_thread(session, room.thread_id)
        rows = session.execute(
            text("select array_agg(row_to_json(a)::text) from welno.welno_thread_audit a")
        ).scalar_one()
    assert verified is not None
    assert (verified.is_whole, verified.count) == (True, 6)
    for secret in (good["payload"], good["payloadHash"], good["enc"]["iv"], good["sig"], "203.0.113.9"):
        assert secret not in str(rows)
    assert "203.0.113.0/24" in str(rows)


def test_a_member_who_pushes_nothing_but_what_is_malformed_is_in_the_audit(room: Room):
    room.push({"threadId": room.thread_id}, {"threadId": room.thread_id, "v": 2}, 7, {"threadId": "x"})
    assert room.audit()[2:] == [("push_rejected", "INVALID_ENVELOPE", 2, None, None)]


def test_a_changed_audit_is_found(room: Room):
    room.say(2)
    with room.stores.sessions.begin() as session:
        session.execute(text("alter table welno.welno_thread_audit disable trigger append_only"))
        session.execute(text("update welno.welno_thread_audit set count = 1 where n = 3"))
        session.execute(text("alter table welno.welno_thread_audit enable always trigger append_only"))
    with room.stores.sessions() as session:
        verified = verify_thread(session, room.thread_id)
    assert verified is not None
    assert verified.broken_at == 3


def test_all_that_a_device_has_left_out_is_told(room: Room):
    for seq in (1, 4, 5, 9):
        room.push(room.envelope(clientSeq=seq))
    room.push(room.envelope(room.nurse, clientSeq=3), member=room.nurse.member)
    with room.stores.threads(caller(PATIENT)) as unit:
        gaps = describe_status(unit, room.thread_id)["gaps"]
    own, others = room.patient.device_id, room.nurse.device_id
    expected = [(own, 2, 3), (own, 6, 8), (others, 1, 2)]
    assert [(one["clientId"], one["from"], one["to"]) for one in gaps] == sorted(expected)
