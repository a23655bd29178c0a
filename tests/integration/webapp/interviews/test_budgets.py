"""A project's tokens of a month: what begins at the same moment passes its limit by no more than one attempt does."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.clock import clock
from models.interviews import Interview, InterviewRun, Project
from services.interviews.budgets import estimate_tokens, reserved_tokens
from services.interviews.costs import note_cost
from services.interviews.row_security import as_analyst
from services.interviews.runs import end_run, finish_run
from tests.integration.interviews.company import World, add_interview
from webapp.current import keep_parts, parts

from .members import Member

AT_ONCE = 6


@pytest.fixture
def limit(engine: Engine, world: World) -> Callable[[int], None]:
    def set_limit(tokens: int) -> None:
        with engine.begin() as connection:
            change = text("update welno.projects set monthly_token_limit = :tokens where id = :id")
            connection.execute(change, {"tokens": tokens, "id": world.food})

    return set_limit


def costs(mina: Member, world: World) -> dict[str, Any]:
    body: dict[str, Any] = mina.ask("GET", f"/api/projects/{world.food}/costs").json
    return body


def all_at_once(acts: list[Callable[[], Any]]) -> list[tuple[int, str | None]]:
    """Their answers: status and code."""
    together, answers = threading.Barrier(len(acts)), list[tuple[int, str | None]]()

    def run(act: Callable[[], Any]) -> None:
        together.wait(10)
        answer = act()
        answers.append((answer.status_code, answer.json.get("error", {}).get("code")))

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(answers, key=str)


REFUSED = (409, "BUDGET_SPENT")


def test_of_uploads_at_one_moment_those_pass_that_the_limit_has_room_for(
    jun: Member, mina: Member, world: World, limit: Callable[[int], None]
):
    said = "질문: 어땠어요?\n" * 100
    limit(1)
    jun.upload(world, said)
    one = costs(mina, world)["reserved_tokens"]
    assert one > len(said)
    limit(one * 3)
    answers = all_at_once([lambda number=number: jun.upload(world, f"{said}{number}") for number in range(AT_ONCE)])
    assert answers == [(200, None)] * 2 + [REFUSED] * (AT_ONCE - 2)
    assert costs(mina, world)["total"]["tokens"] == 0


def test_of_retries_themes_and_personas_at_one_moment_one_begins(
    app: Flask, jun: Member, world: World, limit: Callable[[int], None]
):
    with Session(parts(app).stores.engine) as session, session.begin():
        done = add_interview(session, world, world.food, "jun", status="completed", cleaned_script=[])
        error = {"code": "MISO_TIMEOUT", "message": ""}
        failed = [add_interview(session, world, world.food, "jun", status="failed", error=error) for _ in range(3)]
        for one in [done, *failed]:
            finish_run(session.get_one(InterviewRun, one), clock.now())
    limit(1)
    path = f"/api/projects/{world.food}"
    acts: list[Callable[[], Any]] = [
        *(lambda one=one: jun.ask("POST", "/api/workflow/retry", json={"interviewId": str(one)}) for one in failed),
        lambda: jun.ask("POST", f"{path}/themes"),
        lambda: jun.ask("POST", f"{path}/personas", json={"interviewIds": [str(done)]}),
    ]
    answers = all_at_once(acts)
    assert [answer[1] for answer in answers] == [None, *["BUDGET_SPENT"] * 4]


def test_what_an_attempt_has_reserved_is_free_again_when_it_has_ended(
    app: Flask, jun: Member, mina: Member, world: World, limit: Callable[[int], None]
):
    limit(100)
    interview_id = UUID(jun.upload(world).json["interview_id"])
    assert jun.upload(world).json["error"]["code"] == "BUDGET_SPENT"
    with Session(parts(app).stores.engine) as session, session.begin(), as_analyst(session, world.food):
        note_cost(session, session.get_one(Interview, interview_id), clock.now(), calls=1, tokens=99)
        finish_run(session.get_one(InterviewRun, interview_id), clock.now())
    assert (costs(mina, world)["reserved_tokens"], costs(mina, world)["total"]["tokens"]) == (0, 99)
    assert jun.upload(world).status_code == 200


def test_a_call_that_nobody_waits_for_counts_until_miso_tells_its_end(
    app: Flask, jun: Member, mina: Member, world: World
):
    interview_id = UUID(jun.upload(world).json["interview_id"])
    reserved = costs(mina, world)["reserved_tokens"]
    with Session(parts(app).stores.engine) as session, session.begin(), as_analyst(session, world.food):
        run = session.get_one(InterviewRun, interview_id)
        run.miso_user, run.called_at = f"iv-{interview_id}-1-abc", clock.now()
        session.flush()
        end_run(session, interview_id, clock.now())
    assert costs(mina, world)["reserved_tokens"] == reserved > 0
    with Session(parts(app).stores.engine) as session, session.begin():
        session.execute(text("delete from welno.interview_unsettled_calls"))
    assert costs(mina, world)["reserved_tokens"] == 0


def test_a_kept_answer_is_read_once_more_without_a_reservation(app: Flask, jun: Member, mina: Member, world: World):
    interview_id = jun.upload(world).json["interview_id"]
    with Session(parts(app).stores.engine) as session, session.begin():
        interview = session.get_one(Interview, UUID(interview_id))
        interview.status, interview.error = "failed", {"code": "MISO_ANSWER_INVALID", "message": ""}
        finish_run(session.get_one(InterviewRun, interview.id), clock.now())
    parts(app).spool.interviews.put(UUID(interview_id), "answer-1", b"{}")
    body = {"interviewId": interview_id, "projectId": str(world.food)}
    assert mina.ask("POST", "/api/workflow/process", json=body).status_code == 202
    assert costs(mina, world)["reserved_tokens"] == 0


@pytest.mark.parametrize(
    ("name", "size", "characters"),
    [("a.txt", 300, 300), ("a.txt", 60_000, 50_000), ("a.docx", 300, 50_000), ("a.pdf", 300, 50_000)],
)
def test_a_file_reserves_for_as_much_text_as_it_may_hold(
    app: Flask, jun: Member, world: World, name: str, size: int, characters: int
):
    form = {"projectId": str(world.food), "file": (BytesIO(b"x" * size), name)}
    answer = jun.ask("POST", "/api/workflow/async", data=form, content_type="multipart/form-data")
    assert answer.status_code == 200, answer.text
    with Session(parts(app).stores.engine) as session:
        reserved = session.get_one(InterviewRun, UUID(answer.json["interview_id"])).reserved_tokens
        assert reserved == estimate_tokens(session, world.food, characters)


@pytest.fixture
def longest(app: Flask) -> Iterator[int]:
    """Characters that a text may have, by the settings of this app, which tests share."""
    before, longest = parts(app), 2_000
    stores = before.stores
    allowed = replace(stores.settings.interviews, miso_context_max_chars=longest)
    changed = replace(stores, settings=replace(stores.settings, interviews=allowed))
    keep_parts(app, replace(before, stores=changed))
    yield longest
    keep_parts(app, before)


@pytest.mark.parametrize("begun", ["upload", "retry", "themes"])
def test_what_is_not_known_yet_reserves_for_the_longest_text_that_the_settings_allow(
    app: Flask, jun: Member, world: World, longest: int, begun: str
):
    with Session(parts(app).stores.engine) as session, session.begin():
        error = {"code": "FILE_DAMAGED", "message": ""}
        packed = {"source": "file", "file_name": "a.docx", "file_bytes": 300, "masked_text": None}
        failed = add_interview(session, world, world.food, "jun", status="failed", error=error, **packed)
        done = add_interview(session, world, world.food, "jun", status="completed", cleaned_script=[])
        for one in (failed, done):
            finish_run(session.get_one(InterviewRun, one), clock.now())
    form = {"projectId": str(world.food), "file": (BytesIO(b"x"), "a.docx")}
    answer = {
        "upload": lambda: jun.ask("POST", "/api/workflow/async", data=form, content_type="multipart/form-data"),
        "retry": lambda: jun.ask("POST", "/api/workflow/retry", json={"interviewId": str(failed)}),
        "themes": lambda: jun.ask("POST", f"/api/projects/{world.food}/themes"),
    }[begun]()
    assert answer.status_code in (200, 202), answer.text
    with Session(parts(app).stores.engine) as session:
        assert reserved_tokens(session, world.food, clock.now()) == estimate_tokens(session, world.food, longest)


def test_an_estimate_follows_what_the_project_s_analyses_have_used(app: Flask, world: World):
    with Session(parts(app).stores.engine) as session, session.begin():
        assert estimate_tokens(session, world.food, 1_000) == 2_000
        made = add_interview(session, world, world.food, "jun", masked_text="가" * 1_000)
        with as_analyst(session, world.food):
            note_cost(session, session.get_one(Interview, made), clock.now(), calls=1, tokens=6_000)
        assert estimate_tokens(session, world.food, 1_000) == 6_000
        assert estimate_tokens(session, world.food, 0) == 5_000
        assert estimate_tokens(session, world.bank, 1_000) == 2_000
        assert reserved_tokens(session, world.food, clock.now()) == 0
        assert session.get_one(Project, world.food).monthly_token_limit is None
