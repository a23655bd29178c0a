"""Patients, uploaders and guests of the threads' workload: what they were answered is what they know."""

import random
from typing import Any

import pytest

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.workloads.threads.actors import PUSH
from dev.bench.chaos.workloads.threads.blob_actors import BlobActor
from dev.bench.chaos.workloads.threads.link_actors import LinkActor, LinkBoard, MadeLink
from dev.bench.chaos.workloads.threads.members import BenchDevice, BenchMember
from dev.bench.chaos.workloads.threads.record_actors import MOST_ASKS, RecordAsker

THREAD = "A" * 22
RNG = random.Random(1)


def member() -> BenchMember:
    return BenchMember("patient:one", "token", BenchDevice("patient:one"))


def next_where(actor: Any, wanted: str, method: str = "POST") -> ActorRequest:
    """The next request whose path has this; each one before it is not answered."""
    for _ in range(1000):
        request: ActorRequest = actor.next_request(RNG)
        if wanted in request.path and request.method == method:
            return request
    raise AssertionError(wanted)


class TestRecordAsker:
    def test_the_same_request_must_be_the_same_sending(self):
        asker = RecordAsker(member(), THREAD)
        request = next_where(asker, "send-records")
        for _ in range(2):
            asker.note_answer(request, 202, {"sendingId": "one"})
        assert (list(asker.sendings.values()), asker.oddities) == (["one"], [])
        asker.note_answer(request, 202, {"sendingId": "two"})
        asker.note_answer(request, 409, {})
        asker.note_answer(ActorRequest("/recent", method="GET"), 404, {})
        assert len(asker.oddities) == 3

    def test_it_asks_no_more_often_than_the_route_takes_and_repeats_what_it_asked(self):
        asker = RecordAsker(member(), THREAD)
        asked = [one.body["requestId"] for _ in range(500) if (one := asker.next_request(RNG)).method == "POST"]
        assert len(asked) == MOST_ASKS > len(set(asked)) > 1


def answer_blobs(actor: BlobActor, count: int) -> list[ActorRequest]:
    """A server that does all it is asked; what was asked."""
    asked = []
    for _ in range(count):
        request = actor.next_request(RNG)
        asked.append(request)
        if request.path == PUSH:
            [envelope] = request.body["envelopes"]
            told = {"dedupeId": envelope["dedupeId"], "threadId": THREAD, "status": "accepted", "seq": len(asked)}
            actor.note_answer(request, 200, {"results": [told]})
        elif request.method == "GET":
            [blob] = [one for one in actor.announced if one.path == request.path]
            actor.note_answer(request, 200, {"content": blob.content})
        else:
            actor.note_answer(request, 200, {})
    return asked


class TestBlobActor:
    def test_whatever_was_cut_or_given_up_each_blob_is_told_of_once_all_its_parts_are_there(self):
        actor = BlobActor(member(), THREAD, [])
        asked = answer_blobs(actor, 300)
        assert actor.oddities == []
        assert 0 < len(actor.announced) <= len(actor.completed)
        assert actor.given_up
        assert any(one.is_cut for one in asked)
        for blob in actor.announced:
            paths = [one.path for one in asked]
            put = {one.octets for one in asked if one.path.startswith(f"{blob.path}/parts/")}
            assert put == set(blob.parts)
            whole = paths.index(f"{blob.path}/complete")
            assert all(paths.index(f"{blob.path}/parts/{n}") < whole for n in range(1, len(blob.parts) + 1))
        assert set(actor.acknowledged) == {one["dedupeId"] for one in actor.sent}

    def test_what_is_read_as_something_else_is_odd(self):
        actor = BlobActor(member(), THREAD, [])
        answer_blobs(actor, 100)
        actor.note_answer(next_where(actor, "/blobs/", "GET"), 200, {"content": b"other"})
        actor.note_answer(next_where(actor, "/parts/", "PUT"), 409, {})
        assert len(actor.oddities) == 2


def link_of(actor: LinkActor, kind: str) -> MadeLink:
    """Made by the actor."""
    for number in range(1000):
        request = actor.next_request(RNG)
        if request.path == "/api/shl":
            actor.note_answer(request, 201, {"id": f"{kind}-{number}"})
            if actor.board.links[-1].kind == kind:
                return actor.board.links[-1]
            actor.board.links.pop()
    raise AssertionError(kind)


class TestLinkActor:
    def test_a_location_is_handed_round_and_each_who_came_is_counted(self):
        actor = LinkActor(member(), LinkBoard())
        link = link_of(actor, "plain")
        opened = next_where(actor, f"/api/shl/{link.id}")
        files = [{"location": f"http://x/api/shl/locations/{n}"} for n in range(len(link.files))]
        actor.note_answer(opened, 200, {"files": files})
        assert [one.path for one in link.locations] == [f"/api/shl/locations/{n}" for n in range(len(files))]
        for status, content in ((200, link.files[-1]), (404, "")):
            taken = next_where(actor, f"/locations/{len(files) - 1}", "GET")
            actor.note_answer(taken, status, {"content": content.encode()})
        assert (link.locations[-1].asked, link.locations[-1].opened, actor.oddities) == (2, 1, [])
        actor.note_answer(next_where(actor, f"/locations/{len(files) - 1}", "GET"), 200, {"content": b"other"})
        assert len(actor.oddities) == 1

    @pytest.mark.parametrize(
        ("files", "odd"),
        [([], 1), ([{"embedded": "other"}], 1), ([{"embedded": None}], 0)],
        ids=["less", "other", "all"],
    )
    def test_what_is_embedded_must_be_what_was_put_there(self, files: list[dict[str, str | None]], odd: int):
        actor = LinkActor(member(), LinkBoard())
        link = link_of(actor, "plain")
        link.files = link.files[:1]
        told = [{"embedded": one["embedded"] or link.files[0]} for one in files]
        actor.note_answer(next_where(actor, f"/api/shl/{link.id}"), 200, {"files": told})
        assert len(actor.oddities) == odd

    def test_tries_are_noted_as_they_were_told_and_waiting_behind_others_is_none(self):
        actor = LinkActor(member(), LinkBoard())
        link = link_of(actor, "guessed")
        for status in (401, 429, 404):
            guessed = next_where(actor, f"/api/shl/{link.id}")
            assert guessed.also_final == {429}
            actor.note_answer(guessed, status, {"remainingAttempts": 9})
        assert (link.remaining, actor.oddities) == ([9], [])
        actor.note_answer(next_where(actor, f"/api/shl/{link.id}"), 200, {"files": []})
        assert len(actor.oddities) == 1

    def test_whoever_does_not_find_a_link_that_nobody_ends_was_refused(self):
        actor = LinkActor(member(), LinkBoard())
        link = link_of(actor, "plain")
        actor.note_answer(next_where(actor, f"/api/shl/{link.id}"), 404, {})
        assert (link.refused, actor.oddities) == (1, [])
        actor.note_answer(next_where(actor, f"/api/shl/{link.id}", "DELETE"), 204, {})
        actor.note_answer(next_where(actor, f"/api/shl/{link.id}"), 404, {})
        assert (link.refused, link.is_ended, actor.oddities) == (1, True, [])
        actor.note_answer(next_where(actor, f"/api/shl/{link.id}"), 200, {"files": []})
        assert len(actor.oddities) == 1
