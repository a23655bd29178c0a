"""The members of the threads' workload: what they were answered is what they know, and they try what is not theirs."""

import random

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.workloads.threads.actors import PUSH, CorrespondentActor
from dev.bench.chaos.workloads.threads.members import BenchDevice, BenchMember
from dev.bench.chaos.workloads.threads.thread_history import Receipt

OWN, OTHER = "A" * 22, "B" * 21 + "A"


def make_actor() -> CorrespondentActor:
    return CorrespondentActor(BenchMember("staff:one", "token", BenchDevice("staff:one")), OWN, [OTHER])


def next_where(actor: CorrespondentActor, wanted: str) -> ActorRequest:
    rng = random.Random(1)
    while wanted not in str(request := actor.next_request(rng)):
        pass
    return request


def test_two_receipts_of_one_envelope_must_agree():
    actor = make_actor()
    request = next_where(actor, OWN)
    accepted = {"dedupeId": "a", "threadId": OWN, "status": "accepted", "seq": 2}
    actor.note_answer(request._replace(path=PUSH), 200, {"results": [accepted, accepted | {"status": "duplicate"}]})
    assert (actor.acknowledged, actor.duplicates, actor.oddities) == ({"a": Receipt(OWN, 2)}, 1, [])
    actor.note_answer(request._replace(path=PUSH), 200, {"results": [accepted | {"seq": 3}]})
    assert len(actor.oddities) == 1


def test_an_envelope_for_another_thread_must_find_none():
    actor = make_actor()
    while (request := next_where(actor, OTHER)).path != PUSH:
        pass
    [envelope] = request.body["envelopes"]
    result = {"dedupeId": envelope["dedupeId"], "threadId": OTHER, "status": "rejected", "code": "THREAD_NOT_FOUND"}
    actor.note_answer(request, 200, {"results": [result]})
    assert (actor.trespasses, actor.acknowledged) == ([], {})
    actor.note_answer(request, 200, {"results": [result | {"status": "accepted", "seq": 4}]})
    assert len(actor.trespasses) == 1


def test_what_is_refused_of_their_own_is_odd():
    actor = make_actor()
    actor.note_answer(
        ActorRequest(PUSH), 200, {"results": [{"dedupeId": "a", "status": "rejected", "code": "FORBIDDEN"}]}
    )
    actor.note_answer(ActorRequest(actor.list_path, method="GET"), 404, {})
    actor.note_answer(ActorRequest(f"/api/threads/{OTHER}/recent", method="GET"), 200, {})
    assert (len(actor.oddities), len(actor.trespasses)) == (2, 1)
