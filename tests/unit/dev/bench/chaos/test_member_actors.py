"""The members of the interviews' workload: what they were told is what they know, and they try what is not theirs."""

import random
from uuid import UUID

from dev.bench.chaos.workloads.interviews.actors import UPLOAD, MemberActor, SharedProject
from dev.bench.chaos.workloads.interviews.research import MemberLogin


def make_member(other: SharedProject | None = None) -> MemberActor:
    login = MemberLogin(UUID(int=1), "mine", "token")
    return MemberActor(login, SharedProject("mine"), [other or SharedProject("theirs")])


def test_a_member_who_knows_of_nothing_uploads_or_looks():
    member, rng = make_member(), random.Random(1)
    assert {member.next_request(rng).path for _ in range(100)} == {UPLOAD, member.list_path}


def test_an_accepted_upload_is_known_to_the_project():
    member, rng = make_member(), random.Random(1)
    while (request := member.next_request(rng)).path != UPLOAD:
        pass
    member.note_answer(request, 200, {"interview_id": "a"})
    assert member.project.accepted == {"a"}


def test_what_is_not_theirs_must_be_unknown():
    member, rng = make_member(SharedProject("theirs", accepted={"b"})), random.Random(1)
    while not (request := member.next_request(rng)).path.endswith("/b"):
        pass
    member.note_answer(request, 404, {})
    assert member.trespasses == []
    member.note_answer(request, 204, {})
    assert member.trespasses == ["b of another project was answered by 204"]


def test_a_list_that_holds_another_projects_interview_is_noted():
    member, rng = make_member(), random.Random(1)
    while (request := member.next_request(rng)).path != member.list_path:
        pass
    listed = [
        {"id": "a", "project_id": "mine", "workflow_status": "failed"},
        {"id": "b", "project_id": "theirs", "workflow_status": "completed"},
    ]
    member.note_answer(request, 200, {"interviews": listed})
    assert member.project.failed == {"a"}
    assert member.trespasses == ["b of theirs is in mine's list"]
