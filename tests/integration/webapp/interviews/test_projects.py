"""What members read and change: lists, one interview, deletion, retries, members."""

from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.clock import clock
from core.sealing import Sealer
from core.settings import Settings
from models.interviews import Interview
from services.interviews.events import tell_completed, tell_highlighted
from services.interviews.evidence import resolve_evidence
from services.interviews.files import TEXT
from services.interviews.row_security import as_analyst
from spool import Spool
from tests.integration.interviews.company import World, add_interview
from webapp.current import parts

from .members import Member

FAILED = text("""
    with ended as (update welno.interview_runs set state = 'ended' where interview_id = :id)
    update welno.interviews set status = 'failed', error = '{"code": "NO_TEXT"}' where id = :id
""")
COMPLETED = text("update welno.interviews set status = 'completed', key_takeaways = '[\"하나\"]' where id = :id")


def upload(member: Member, world: World, **more: Any) -> str:
    answer = member.upload(world, **more)
    assert answer.status_code == 200, answer.text
    found: str = answer.json["interview_id"]
    return found


def make(engine: Engine, statement: Any, interview_id: str) -> None:
    with engine.begin() as connection:
        connection.execute(statement, {"id": interview_id})


def read_run(engine: Engine, interview_id: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(
            text("select * from welno.interview_runs where interview_id = :id"), {"id": interview_id}
        ).one()


def events_of(app: Flask, world: World) -> list[str]:
    page = parts(app).stores.streams.read_after(f"project:{world.food}", 0)
    return [event.to_json().decode().split('"type":"')[1].split('"')[0] for event in page.events]


def listed(member: Member, world: World, query: str = "") -> dict[str, Any]:
    answer = member.ask("GET", f"/api/projects/{world.food}/interviews{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def test_members_see_their_projects_with_their_roles(mina: Member, vera: Member):
    mine = mina.ask("GET", "/api/projects").json["projects"]
    assert [(one["name"], one["role"]) for one in mine] == [("배달 앱 연구", "admin"), ("은행 앱 연구", "admin")]
    theirs = vera.ask("GET", "/api/projects").json["projects"]
    assert [(one["name"], one["role"], one["company"]["name"]) for one in theirs] == [
        ("배달 앱 연구", "viewer", "한빛리서치")
    ]


def test_the_list_is_newest_first_and_goes_on(jun: Member, world: World):
    uploaded = [upload(jun, world, title=str(number)) for number in range(3)]
    first = listed(jun, world, "?limit=2")
    assert [one["id"] for one in first["interviews"]] == [uploaded[2], uploaded[1]]
    assert first["last_event_id"].endswith(":3")
    rest = listed(jun, world, f"?limit=2&before={first['next']}")
    assert ([one["id"] for one in rest["interviews"]], rest["next"]) == ([uploaded[0]], None)
    assert listed(jun, world, "?status=failed")["interviews"] == []


def test_one_interview_is_shown_whole_and_in_short(jun: Member, world: World):
    interview_id = upload(jun, world, title="하나")
    whole = jun.ask("GET", f"/api/interviews/{interview_id}").json["interview"]
    assert (whole["title"], whole["masked_text"], whole["key_takeaways"]) == ("하나", None, None)
    short = jun.ask("GET", f"/api/interviews/{interview_id}/status").json
    assert (short["id"], short["status"], short["attempt"], short["processingTime"]) == (
        interview_id,
        "processing",
        1,
        None,
    )


def test_who_deleted_one_is_shown_and_the_hash_of_what_was_uploaded_to_admins(mina: Member, jun: Member, world: World):
    """By guessing, others would find out from it what a placeholder of a short text stands for."""
    interview_id = upload(jun, world, text="짧은 글")
    path = f"/api/interviews/{interview_id}"
    assert jun.ask("GET", path).json["interview"]["deleted_by"] is None
    assert jun.ask("DELETE", path).status_code == 204
    shown = [member.ask("GET", path).json["interview"] for member in (mina, jun)]
    assert [one["deleted_by"] for one in shown] == [str(world.people["jun"])] * 2
    assert [one["file_sha256"] for one in shown] == [sha256("짧은 글".encode()).hexdigest(), None]


@pytest.mark.parametrize("is_resolved", [True, False])
def test_points_and_takeaways_say_where_they_stand(vera: Member, world: World, engine: Engine, is_resolved: bool):
    """Also in an interview that was analysed before its evidence was kept."""
    columns = {
        "cleaned_script": [{"id": [7], "speaker": "[이름1]", "category": "불편", "cleaned_sentence": "결제가 느려요."}],
        "primary_pain_points": [{"description": "느리다", "weight": 2, "evidence": ["결제가 느려요", "없는 말"]}],
        "key_takeaways": ["결제가 느려요: 불편"],
    }
    with Session(engine) as session, session.begin():
        evidence = resolve_evidence(columns) if is_resolved else None
        interview_id = add_interview(
            session, world, world.food, "jun", status="completed", evidence=evidence, **columns
        )
    whole = vera.ask("GET", f"/api/interviews/{interview_id}").json["interview"]
    found = {"quote": "결제가 느려요", "utterance_ids": [7], "verified": True}
    invented = {"quote": "없는 말", "utterance_ids": [], "verified": False}
    assert whole["primary_pain_points"] == [{"description": "느리다", "weight": 2, "evidence": [found, invented]}]
    assert whole["takeaway_evidence"] == [[found]]
    assert (whole["primary_needs"], whole["key_takeaways"]) == (None, columns["key_takeaways"])


def test_admins_alone_get_the_original_under_its_true_name(mina: Member, jun: Member, world: World):
    body = (
        f'--b\r\nContent-Disposition: form-data; name="projectId"\r\n\r\n{world.food}\r\n--b\r\nContent-Disposition:'
        ' form-data; name="maskWords"\r\n\r\n하늘\r\n--b\r\nContent-Disposition: form-data; name="file";'
        " filename=\"하늘 '1'.txt\"\r\n\r\n원본\r\n--b--\r\n"
    )
    form = "multipart/form-data; boundary=b"
    answer = jun.ask("POST", "/api/workflow/async", data=body.encode(), content_type=form)
    path = f"/api/interviews/{answer.json['interview_id']}/file"
    assert jun.ask("GET", path).status_code == 403
    reads = f"/api/projects/{world.food}/original-reads"
    assert mina.ask("GET", reads).json["reads"] == []
    original = mina.ask("GET", path)
    assert original.data.decode() == "원본"
    assert original.headers["Content-Disposition"].endswith("filename*=UTF-8''%ED%95%98%EB%8A%98%20%271%27.txt")
    assert original.headers["X-Content-Type-Options"] == "nosniff"
    [read] = mina.ask("GET", reads).json["reads"]
    assert (read["interview_id"], read["name"]) == (answer.json["interview_id"], "mina")
    assert read["request_id"] == original.headers["X-Request-ID"]


def test_an_original_that_cannot_be_opened_says_why(
    app: Flask, mina: Member, jun: Member, world: World, web_settings: Settings
):
    interview_id = UUID(upload(jun, world))
    path = f"/api/interviews/{interview_id}/file"
    # As another process has sealed it, with a key that this one is not given before its next start.
    newer = Spool(web_settings.files.data_dir, Sealer({"newer": b"n" * 32}), clock).interviews
    newer.put(interview_id, TEXT, "말".encode())
    unknown = mina.ask("GET", path)
    assert (unknown.status_code, unknown.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    assert int(unknown.headers["Retry-After"]) > 0
    ours = parts(app).spool.interviews
    ours.put(interview_id, TEXT, "말".encode())
    for stored in web_settings.files.data_dir.rglob(f"{interview_id}/*"):
        stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    damaged = mina.ask("GET", path)
    assert (damaged.status_code, damaged.json["error"]["code"]) == (500, "STORED_FILE_DAMAGED")
    assert mina.ask("GET", f"/api/projects/{world.food}/original-reads").json["reads"] == []


def test_readings_of_originals_go_on_newest_first_and_outlive_them(mina: Member, jun: Member, world: World):
    made = [upload(jun, world, title=str(number)) for number in range(3)]
    for interview_id in made:
        assert mina.ask("GET", f"/api/interviews/{interview_id}/file").status_code == 200
    mina.ask("DELETE", f"/api/interviews/{made[0]}?erase=true")
    path = f"/api/projects/{world.food}/original-reads?limit=2"
    first = mina.ask("GET", path).json
    rest = mina.ask("GET", f"{path}&before={first['next']}").json
    assert [one["interview_id"] for one in (*first["reads"], *rest["reads"])] == made[::-1]
    assert rest["next"] is None


def test_a_deleted_interview_leaves_the_list_and_comes_back_as_failed(
    app: Flask, jun: Member, world: World, engine: Engine
):
    interview_id = upload(jun, world)
    before = read_run(engine, interview_id)
    path = f"/api/interviews/{interview_id}"
    assert jun.ask("DELETE", path).status_code == jun.ask("DELETE", path).status_code == 204
    run = read_run(engine, interview_id)
    assert (run.state, run.fence) == ("ended", before.fence + 1)
    assert listed(jun, world)["interviews"] == []
    [deleted] = listed(jun, world, "?deleted=true")["interviews"]
    assert deleted["revision"] == 2
    restored = jun.ask("POST", f"{path}/restore").json["interview"]
    assert (restored["workflow_status"], restored["error"]["code"], restored["revision"]) == ("failed", "CANCELLED", 3)
    assert jun.ask("POST", f"{path}/restore").json["error"]["code"] == "INTERVIEW_NOT_DELETED"
    assert events_of(app, world) == ["interview:added", "interview:deleted", "interview:added"]


def test_a_completed_one_comes_back_as_it_was(jun: Member, world: World, engine: Engine):
    interview_id = upload(jun, world)
    make(engine, COMPLETED, interview_id)
    jun.ask("DELETE", f"/api/interviews/{interview_id}")
    restored = jun.ask("POST", f"/api/interviews/{interview_id}/restore").json["interview"]
    assert restored["workflow_status"] == "completed"


def test_after_its_days_nothing_is_restored(jun: Member, world: World, engine: Engine):
    interview_id = upload(jun, world)
    jun.ask("DELETE", f"/api/interviews/{interview_id}")
    make(
        engine, text("update welno.interviews set deleted_at = now() - interval '30 days' where id = :id"), interview_id
    )
    assert jun.ask("POST", f"/api/interviews/{interview_id}/restore").status_code == 404


def test_erasing_leaves_a_receipt_and_nothing_else(
    app: Flask, mina: Member, jun: Member, world: World, engine: Engine, web_settings: Settings
):
    interview_id = upload(jun, world, title="지울 것")
    make(engine, COMPLETED, interview_id)
    path = f"/api/interviews/{interview_id}"
    assert jun.ask("DELETE", f"{path}?erase=true").status_code == 403
    answer = mina.ask("DELETE", f"{path}?erase=true")
    assert (answer.status_code, answer.json["receipt"]) == (
        200,
        {
            "texts": 0,
            "results": 1,
            "highlights": 0,
            "takeaways": 0,
            "sections": 0,
            "insights": 0,
            "events": 1,
            "replies": 0,
            "personas": 0,
            "files": 2,
        },
    )
    assert mina.ask("GET", path).status_code == 404
    assert mina.ask("POST", f"{path}/restore").status_code == 404
    assert listed(mina, world, "?deleted=true")["interviews"] == []
    assert parts(app).spool.interviews.names(UUID(interview_id)) == []
    with engine.connect() as connection:
        row = connection.execute(
            text("select cast(t as text) from welno.interviews t where id = :id"), {"id": interview_id}
        )
        kept = row.scalar_one()
    assert "지울 것" not in kept
    assert "하나" not in kept
    page = parts(app).stores.events.read_after(f"project:{world.food}", 0)
    assert [(event.seq, event.body["type"]) for event in page.events] == [
        (1, "interview:added"),
        (2, "interview:deleted"),
    ]


def test_what_was_told_of_an_erased_one_is_told_no_more(app: Flask, mina: Member, world: World):
    key = {"Idempotency-Key": "once"}
    spared = upload(mina, world, title="남을 것")
    interview_id = upload(mina, world, title="지울 것", headers=key)
    here = parts(app).stores
    with here.unit_of_work() as work, as_analyst(work.session, world.food):
        interview = work.session.get_one(Interview, UUID(interview_id))
        interview.key_takeaways = ["이 사람만의 말"]
        tell_completed(work, interview, 1.0, here.clock.now())
        tell_highlighted(work, interview, UUID(int=1), {"tags": ["이 사람만의 꼬리표"]}, here.clock.now())
    receipt = mina.ask("DELETE", f"/api/interviews/{interview_id}?erase=true").json["receipt"]
    assert (receipt["events"], receipt["replies"]) == (3, 1)
    page = here.events.read_after(f"project:{world.food}", 0)
    told = b"".join(event.to_json() for event in page.events).decode()
    assert [event.seq for event in page.events] == [1, 2, 3, 4, 5]
    assert ("지울 것" in told, "이 사람만의" in told, "남을 것" in told, spared in told) == (False, False, True, True)
    assert page.events[1].body["data"]["interview"]["id"] == interview_id
    assert page.events[2].body["data"]["interviewId"] == interview_id
    assert here.streams.read_after(f"project:{world.food}", 0).events == []
    again = mina.upload(world, title="지울 것", headers=key)
    assert (again.json["interview_id"], again.json["interview"]["title"]) == (interview_id, "지워진 인터뷰")


def test_only_a_failed_one_is_retried(app: Flask, jun: Member, vera: Member, world: World, engine: Engine):
    interview_id = upload(jun, world)
    body = {"interviewId": interview_id}
    refused = jun.ask("POST", "/api/workflow/retry", json=body)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "INTERVIEW_NOT_FAILED")
    make(engine, FAILED, interview_id)
    assert vera.ask("POST", "/api/workflow/retry", json=body).status_code == 403
    taken = jun.ask("POST", "/api/workflow/retry", json=body)
    assert (taken.status_code, taken.json["attempt"]) == (200, 2)
    assert jun.ask("POST", "/api/workflow/retry", json=body).status_code == 409
    whole = jun.ask("GET", f"/api/interviews/{interview_id}").json["interview"]
    assert (whole["workflow_status"], whole["error"]) == ("processing", None)
    assert whole["metadata"]["retry_by"] == str(world.people["jun"])
    run = read_run(engine, interview_id)
    assert (run.state, run.step, run.attempt) == ("ready", "extract", 2)
    assert events_of(app, world) == ["interview:added", "interview:status_changed"]


def test_a_project_that_requires_consent_retries_none_without(jun: Member, world: World, engine: Engine):
    """It did not when the interview was uploaded."""
    interview_id = upload(jun, world)
    make(engine, FAILED, interview_id)
    make(engine, text("update welno.projects set requires_consent = true where id = :id"), str(world.food))
    body = {"interviewId": interview_id}
    refused = jun.ask("POST", "/api/workflow/retry", json=body)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "CONSENT_REQUIRED")
    assert jun.ask("POST", "/api/workflow/retry", json=body | {"consent": True}).status_code == 200
    whole = jun.ask("GET", f"/api/interviews/{interview_id}").json["interview"]
    assert (whole["consent_at"] is not None, whole["consent_by"]) == (True, str(world.people["jun"]))


def test_a_spent_budget_retries_nothing(jun: Member, world: World, engine: Engine):
    interview_id = upload(jun, world)
    make(engine, FAILED, interview_id)
    spent = (
        "insert into welno.miso_costs select id, 1, project_id, now(), 1, 100, 1 from welno.interviews where id = :id"
    )
    make(engine, text(spent), interview_id)
    make(engine, text("update welno.projects set monthly_token_limit = 100 where id = :id"), str(world.food))
    refused = jun.ask("POST", "/api/workflow/retry", json={"interviewId": interview_id})
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "BUDGET_SPENT")
    whole = jun.ask("GET", f"/api/interviews/{interview_id}").json["interview"]
    assert (whole["workflow_status"], whole["attempt"]) == ("failed", 1)
    make(engine, text("update welno.projects set monthly_token_limit = 101 where id = :id"), str(world.food))
    assert jun.ask("POST", "/api/workflow/retry", json={"interviewId": interview_id}).status_code == 200


def test_a_retry_does_not_mask_again(jun: Member, world: World, engine: Engine):
    interview_id = upload(jun, world)
    make(engine, FAILED, interview_id)
    make(engine, text("update welno.interviews set masked_text = '질문' where id = :id"), interview_id)
    jun.ask("POST", "/api/workflow/retry", json={"interviewId": interview_id})
    assert read_run(engine, interview_id).step == "analyse"


def test_process_starts_what_stands_still_and_nothing_else(mina: Member, jun: Member, world: World, engine: Engine):
    interview_id = upload(jun, world)
    body = {"interviewId": interview_id, "projectId": str(world.food)}
    assert jun.ask("POST", "/api/workflow/process", json=body).status_code == 403
    assert mina.ask("POST", "/api/workflow/process", json=body).status_code == 409
    late = text("update welno.interview_runs set due_at = now() - interval '1 minute' where interview_id = :id")
    make(engine, late, interview_id)
    assert mina.ask("POST", "/api/workflow/process", json=body).status_code == 202
    make(engine, COMPLETED, interview_id)
    make(engine, late, interview_id)
    refused = mina.ask("POST", "/api/workflow/process", json=body)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "INTERVIEW_UNDER_WAY")
    elsewhere = body | {"projectId": str(world.bank)}
    assert mina.ask("POST", "/api/workflow/process", json=elsewhere).status_code == 404


def test_a_failed_one_without_a_kept_answer_is_to_be_retried(mina: Member, world: World, engine: Engine):
    interview_id = upload(mina, world)
    make(engine, FAILED, interview_id)
    body = {"interviewId": interview_id, "projectId": str(world.food)}
    refused = mina.ask("POST", "/api/workflow/process", json=body)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "NO_KEPT_ANSWER")
    assert mina.ask("POST", "/api/workflow/retry", json={"interviewId": interview_id}).status_code == 200


def test_admins_keep_the_members_of_their_own_company(mina: Member, jun: Member, world: World):
    path = f"/api/projects/{world.bank}/members"
    assert [one["email"] for one in mina.ask("GET", path).json["members"]] == ["mina@demo.test"]
    added = mina.ask("POST", path, json={"email": "Jun@demo.test", "role": "viewer"})
    assert [(one["email"], one["role"]) for one in added.json["members"]] == [
        ("jun@demo.test", "viewer"),
        ("mina@demo.test", "admin"),
    ]
    assert jun.ask("POST", path, json={"email": "vera@demo.test", "role": "viewer"}).status_code == 403
    other = mina.ask("POST", path, json={"email": "sora@demo.test", "role": "viewer"})
    assert (other.status_code, other.json["error"]["code"]) == (404, "ACCOUNT_NOT_FOUND")
    last = mina.ask("DELETE", f"{path}?accountId={world.people['mina']}")
    assert (last.status_code, last.json["error"]["code"]) == (409, "LAST_ADMIN")
    assert mina.ask("DELETE", f"{path}?accountId={world.people['jun']}").status_code == 204
    assert jun.ask("GET", f"/api/projects/{world.bank}").status_code == 404


def changes_of(app: Flask, project_id: UUID) -> list[dict[str, Any]]:
    page = parts(app).stores.events.read_after(f"project:{project_id}", 0)
    return [event.body["data"] for event in page.events if event.body["type"] == "project:changed"]


def test_a_project_is_told_that_its_members_have_changed_and_not_whose_role(app: Flask, mina: Member, world: World):
    path = f"/api/projects/{world.bank}/members"
    for role in ("viewer", "editor"):
        mina.ask("POST", path, json={"email": "jun@demo.test", "role": role})
    mina.ask("POST", path, json={"email": "sora@demo.test", "role": "viewer"})
    mina.ask("DELETE", f"{path}?accountId={world.people['mina']}")
    assert changes_of(app, world.bank) == [{"part": "members"}] * 2


def test_a_project_is_told_that_an_original_was_read_and_not_which(app: Flask, mina: Member, world: World):
    path = f"/api/interviews/{upload(mina, world)}"
    assert mina.ask("GET", f"{path}/file").status_code == 200
    assert changes_of(app, world.food) == [{"part": "original_reads"}]


def test_personas_are_the_companys(mina: Member, sora: Member, world: World):
    assert mina.ask("GET", f"/api/projects/{world.food}/personas").json["personas"] == []
    [persona] = sora.ask("GET", f"/api/projects/{world.secret}/personas").json["personas"]
    assert (persona["persona_code"], persona["interviews"]) == ("P1", 0)
