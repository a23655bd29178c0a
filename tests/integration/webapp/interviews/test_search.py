"""Searching what was said: found whatever the spaces, with context and marks, and only where one may look."""

import unicodedata
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from models.interviews import Interview
from services.interviews.results import read_analysis, save_result
from services.interviews.row_security import as_analyst
from tests.integration.interviews.company import World, add_interview
from webapp.current import parts

from .members import Member

SAID = (
    "결제가 어려웠어요.",
    "어디가요?",
    "카드 번호를 넣는데 결 제, 버튼이 안 보여요. 결제가 답답해요.",
    "ＯＫ, 알겠습니다",
)


@pytest.fixture
def interview_id(app: Flask, world: World) -> str:
    return str(complete(app, world, world.food, "jun", *SAID))


def complete(app: Flask, world: World, project: UUID, author: str, *said: str, **changes: Any) -> UUID:
    """An interview as its run leaves it."""
    script = [
        {"id": [10 + number], "speaker": "[이름1]", "category": "불편", "cleaned_sentence": one}
        for number, one in enumerate(said)
    ]
    engine = parts(app).stores.engine
    with Session(engine) as session, session.begin():
        made = add_interview(session, world, project, author, **changes)
        with as_analyst(session, project):
            interview = session.get_one(Interview, made)
            interview.status = "completed"
            save_result(session, interview, read_analysis({"cleaned_script": script}))
    return made


def search(member: Member, world: World, query: str, **more: Any) -> dict[str, Any]:
    answer = member.ask("GET", f"/api/projects/{world.food}/search", query_string={"q": query} | more)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def test_what_was_said_is_found_with_its_context(vera: Member, world: World, interview_id: str):
    first, second = search(vera, world, "결제")["results"]
    assert first == {
        "interview_id": interview_id,
        "title": "첫 인터뷰",
        "utterance_id": 10,
        "speaker": "[이름1]",
        "text": SAID[0],
        "marks": [[0, 2]],
        "before": None,
        "after": {"utterance_id": 11, "speaker": "[이름1]", "text": SAID[1]},
    }
    assert [SAID[2][start:end] for start, end in second["marks"]] == ["결 제", "결제"]
    assert (second["before"]["utterance_id"], second["after"]["utterance_id"]) == (11, 13)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("결제가 어려", [10]),
        ("제가어", [10]),
        ("버튼이", [12]),
        ("ok", [13]),
        ("결제, 버튼", [12]),
        ("결제 카드", []),
        ("제결", []),
        ("' or 1=1 --", []),
        ("%%결제", [10, 12]),
        (unicodedata.normalize("NFD", "결제가 어려"), [10]),
    ],
)
def test_spaces_and_punctuation_do_not_matter(vera: Member, world: World, interview_id: str, query: str, found: Any):
    assert [one["utterance_id"] for one in search(vera, world, query)["results"]] == found


def test_the_longest_query_may_be_written_in_single_letters(vera: Member, world: World):
    assert search(vera, world, unicodedata.normalize("NFD", "각" * 100))["results"] == []


@pytest.mark.parametrize("query", ["", "결", unicodedata.normalize("NFD", "결"), " .결. ", "가" * 101])
def test_less_than_two_letters_are_not_searched_for(vera: Member, world: World, query: str):
    answer = vera.ask("GET", f"/api/projects/{world.food}/search", query_string={"q": query})
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["q"])


def test_the_newest_interview_comes_first_and_pages_go_on(app: Flask, vera: Member, world: World):
    made = [str(complete(app, world, world.food, "jun", "결제 하나", "결제 둘", title=str(n))) for n in range(3)]
    seen: list[tuple[str, int]] = []
    page = search(vera, world, "결제", limit=4)
    seen += [(one["interview_id"], one["utterance_id"]) for one in page["results"]]
    page = search(vera, world, "결제", limit=4, after=page["next"])
    seen += [(one["interview_id"], one["utterance_id"]) for one in page["results"]]
    assert seen == [(one, number) for one in reversed(made) for number in (10, 11)]
    assert page["next"] is None


@pytest.mark.parametrize("after", ["x", "{i}", "{i}.x", "1.1", "{i}.99999999999999999999", "{i}.-1", "{i}.１"])
def test_a_place_that_is_none_is_told(vera: Member, world: World, interview_id: str, after: str):
    query = {"q": "결제", "after": after.replace("{i}", interview_id)}
    answer = vera.ask("GET", f"/api/projects/{world.food}/search", query_string=query)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["after"])


def test_a_search_stays_within_its_project(app: Flask, vera: Member, mina: Member, world: World):
    elsewhere = complete(app, world, world.bank, "mina", "결제가 어려웠어요.")
    complete(app, world, world.secret, "sora", "결제가 어려웠어요.")
    assert search(vera, world, "결제")["results"] == search(mina, world, "결제")["results"] == []
    query = {"q": "결제", "after": f"{elsewhere}.1"}
    assert mina.ask("GET", f"/api/projects/{world.food}/search", query_string=query).status_code == 404


def test_what_is_deleted_is_not_found_until_it_is_restored(
    jun: Member, mina: Member, world: World, engine: Engine, interview_id: str
):
    path = f"/api/interviews/{interview_id}"
    jun.ask("DELETE", path)
    assert search(jun, world, "결제")["results"] == []
    jun.ask("POST", f"{path}/restore")
    assert len(search(jun, world, "결제")["results"]) == 2
    mina.ask("DELETE", f"{path}?erase=true")
    assert search(jun, world, "결제")["results"] == []
    with engine.connect() as connection:
        left = text("select count(*) from welno.utterances where interview_id = :id")
        assert connection.execute(left, {"id": interview_id}).scalar_one() == 0


def test_a_search_uses_the_bigrams(engine: Engine, world: World):
    query = text(
        "explain select position from welno.utterances where bigrams @> array['결제'] and letters like '%결제%'"
    )
    with engine.begin() as connection:
        connection.execute(text("set local enable_seqscan = off; set local enable_indexscan = off"))
        connection.execute(text("set local role welno_searcher"))
        plan = "\n".join(connection.execute(query).scalars())
    assert "ix_utterances_bigrams" in plan
