"""Speakers and highlights: what members add to an analysis, and what the project is told of it."""

import unicodedata
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from models.interviews import Interview
from services.interviews.files import PLACEHOLDERS, TEXT, Said, keep_said
from services.interviews.masking.masker import PatternMasker
from services.interviews.numbering import keep_numbering, mask_upload
from services.interviews.utterance_index import index_utterances
from spool import StreamedFiles
from tests.integration.interviews.company import World, add_interview
from webapp.current import parts

from .members import Member

SCRIPT = [
    {"id": [1], "speaker": "진행자", "category": "질문", "cleaned_sentence": "어떠셨어요?"},
    {"id": [2, 3], "speaker": "[이름1]", "category": "불편", "cleaned_sentence": "결제가 느려요."},
    {"id": [4], "speaker": "화자2", "category": "불편", "cleaned_sentence": "저도 결제가 느려요."},
]
RANGE = {"firstUtteranceId": 1, "lastUtteranceId": 3}


@pytest.fixture
def path(app: Flask, world: World) -> str:
    with Session(parts(app).stores.engine) as session, session.begin():
        made = add_interview(session, world, world.food, "jun", status="completed", cleaned_script=SCRIPT)
        index_utterances(session, session.get_one(Interview, made))
    return f"/api/interviews/{made}"


def events_of(app: Flask, world: World) -> list[dict[str, Any]]:
    page = parts(app).stores.streams.read_after(f"project:{world.food}", 0)
    return [orjson.loads(event.to_json()) for event in page.events]


def speakers_in(member: Member, path: str) -> list[str]:
    return [one["speaker"] for one in member.ask("GET", path).json["interview"]["cleaned_script"]]


def test_speakers_are_named_and_merged_and_named_anew(jun: Member, vera: Member, world: World, path: str):
    body = {"speakers": {"[이름1]": " 참여자  A", "화자2": "참여자 A"}}
    named = jun.ask("PUT", f"{path}/speakers", json=body).json
    assert named["revision"] == 2
    assert named["speakers"] == [
        {"label": "진행자", "name": "진행자", "utterances": 1},
        {"label": "[이름1]", "name": "참여자 A", "utterances": 1},
        {"label": "화자2", "name": "참여자 A", "utterances": 1},
    ]
    assert vera.ask("GET", path).json["interview"]["speakers"] == named["speakers"]
    assert speakers_in(vera, path) == ["진행자", "참여자 A", "참여자 A"]
    found = vera.ask("GET", f"/api/projects/{world.food}/search?q=결제").json["results"]
    assert [(one["speaker"], one["before"]["speaker"]) for one in found] == [("참여자 A", "진행자"), ("참여자 A",) * 2]
    assert "참여자 A: 결제가" in vera.ask("GET", f"{path}/export?format=md").text
    jun.ask("PUT", f"{path}/speakers", json={"speakers": {"화자2": ""}})
    assert speakers_in(vera, path) == ["진행자", "[이름1]", "화자2"]


def test_a_speaker_may_be_named_in_single_letters(jun: Member, path: str):
    """As macOS writes Hangul."""
    label, name = (unicodedata.normalize("NFD", one) for one in ("화자2", "참여자 A"))
    named = jun.ask("PUT", f"{path}/speakers", json={"speakers": {label: name}})
    assert named.status_code == 200, named.text
    assert speakers_in(jun, path) == ["진행자", "[이름1]", "참여자 A"]


def test_the_project_is_told_that_speakers_were_named_and_not_how(app: Flask, jun: Member, world: World, path: str):
    jun.ask("PUT", f"{path}/speakers", json={"speakers": {"화자2": "참여자 A"}})
    jun.ask("PUT", f"{path}/speakers", json={"speakers": {"화자2": "김하늘"}})
    [told] = events_of(app, world)
    assert (told["type"], told["data"]) == (
        "interview:changed",
        {"interviewId": path.rpartition("/")[2], "revision": 2},
    )


@pytest.mark.parametrize(
    "speakers",
    [
        {"화자2": "김하늘"},
        {"화자2": unicodedata.normalize("NFD", "김하늘")},
        {"화자2": "010-1234-5678"},
        {"화자9": "참여자 A"},
        ["a"],
        None,
    ],
)
def test_a_name_of_a_person_and_an_unknown_speaker_are_refused(jun: Member, path: str, speakers: Any):
    answer = jun.ask("PUT", f"{path}/speakers", json={"speakers": speakers})
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["speakers"])
    assert speakers_in(jun, path) == ["진행자", "[이름1]", "화자2"]


@pytest.mark.parametrize(
    "name",
    [
        "고객 김하늘",
        "참여자 김하늘",
        "김하늘 고객",
        "(김하늘)",
        "김하늘1",
        "P1_김하늘",
        "20대 여성(김하늘)",
        "김하늘/여",
        "고객 김 하늘",
        "고객 010-1234-5678",
        "김하늘님",
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_speaker_s_name_tells_nobody_in_any_part(app: Flask, jun: Member, path: str, name: str, is_known: bool):
    if is_known:
        extracted(app, path)
    answer = jun.ask("PUT", f"{path}/speakers", json={"speakers": {"화자2": name}})
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["speakers"])
    assert speakers_in(jun, path) == ["진행자", "[이름1]", "화자2"]


@pytest.mark.parametrize(
    "name",
    ["하늘", "고객 하늘님", "하늘이", "고객김하늘", "Sarah", "kim 고객", "정솔 고객", "하늘소프트 고객", "A 김하늘"],
)
def test_whom_the_interview_knows_no_speaker_is_called(app: Flask, jun: Member, path: str, name: str):
    """Also by what the masker alone would not take for a name, and by the uploader's own words."""
    text_ = "김하늘: 네\n정솔: 음\n정솔: 네\nSarah Kim: a\nSarah Kim: b"
    extracted(app, path, text_)
    answer = jun.ask("PUT", f"{path}/speakers", json={"speakers": {"화자2": name}})
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["speakers"])


@pytest.mark.parametrize(
    "name",
    [
        "참여자 A",
        "고객 1",
        "20대 여성 (주부)",
        "[이름1]",
        "[이름2] 고객",
        "진행자",
        "P1",
        "신규 고객",
        "User 2",
        "엄마",
    ],
)
def test_a_speaker_s_name_that_tells_nobody_is_taken(app: Flask, jun: Member, path: str, name: str):
    extracted(app, path)
    answer = jun.ask("PUT", f"{path}/speakers", json={"speakers": {"화자2": name}})
    assert answer.status_code == 200, answer.text
    assert speakers_in(jun, path)[2] == name


def highlight(member: Member, path: str, **more: Any) -> dict[str, Any]:
    answer = member.ask("POST", f"{path}/highlights", json=RANGE | more)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json["highlight"]
    return made


def listed_in(member: Member, world: World) -> list[dict[str, Any]]:
    """Of the whole project."""
    highlights: list[dict[str, Any]] = member.ask("GET", f"/api/projects/{world.food}/highlights").json["highlights"]
    return highlights


def test_highlights_are_told_and_seen_by_all(
    app: Flask, jun: Member, mina: Member, vera: Member, world: World, path: str
):
    first = highlight(jun, path, tags=["결제", " 결제 ", "", "느림"], note="중요해요")
    second = highlight(mina, path)
    assert (first["tags"], first["note"], first["account"]["name"]) == (["결제", "느림"], "중요해요", "jun")
    assert vera.ask("GET", f"{path}/highlights").json["highlights"] == [first, second]
    changed = mina.ask("PUT", f"{path}/highlights/{first['id']}", json=RANGE | {"lastUtteranceId": 4}).json["highlight"]
    assert (changed["last_utterance_id"], changed["tags"], changed["account"]) == (4, [], first["account"])
    assert jun.ask("DELETE", f"{path}/highlights/{second['id']}").status_code == 204
    assert vera.ask("GET", f"{path}/highlights").json["highlights"] == [changed]
    told = events_of(app, world)
    assert [(event["type"], event["data"]["revision"]) for event in told] == [
        ("interview:highlighted", number) for number in (2, 3, 4, 5)
    ]
    assert told[0]["data"] == {
        "interviewId": path.rpartition("/")[2],
        "highlightId": first["id"],
        "highlight": {name: value for name, value in first.items() if name != "note"},
        "revision": 2,
    }
    assert (told[3]["data"]["highlightId"], told[3]["data"]["highlight"]) == (second["id"], None)


def test_what_a_highlight_says_is_masked(app: Flask, jun: Member, world: World, path: str):
    made = highlight(jun, path, tags=["김하늘님"], note="010-1234-5678로 전화하기")
    assert (made["tags"], made["note"]) == (["[이름]님"], "[전화1]로 전화하기")
    assert "김하늘" not in str(events_of(app, world))


def extracted(app: Flask, path: str, text_: str = "김하늘: 네\n이서연: 하늘소프트요", **changes: Any) -> StreamedFiles:
    """As the extraction leaves it; a row of before has no numbering of its own."""
    files, interview_id = parts(app).spool.interviews, UUID(path.rpartition("/")[2])
    said = Said(None, ("하늘소프트",), "인터뷰")
    files.put(interview_id, TEXT, text_.encode())
    keep_said(files, interview_id, said)
    masked = mask_upload(PatternMasker(), text_, said)
    keep_numbering(files, interview_id, masked.last)
    with Session(parts(app).stores.engine) as session, session.begin():
        interview = session.get_one(Interview, interview_id)
        interview.masked_text = masked.text.text
        for name, value in changes.items():
            setattr(interview, name, value)
    return files


def test_a_note_calls_people_as_the_script_does(app: Flask, jun: Member, mina: Member, path: str):
    extracted(app, path)
    assert highlight(jun, path, note="이서연 씨 말")["note"] == "[이름2] 씨 말"
    first = highlight(jun, path, note="박서준 씨와 하늘소프트")
    assert first["note"] == "[이름3] 씨와 [가림1]"
    # Whom a note has named is the same in the next one, and nobody else is, whatever became of the note.
    assert highlight(mina, path, note="최유진 씨와 박서준 씨")["note"] == "[이름4] 씨와 [이름3] 씨"
    jun.ask("DELETE", f"{path}/highlights/{first['id']}")
    assert highlight(jun, path, note="정하은 씨")["note"] == "[이름5] 씨"
    assert highlight(jun, path, note="박서준 씨")["note"] == "[이름3] 씨"


def test_a_note_calls_people_by_their_given_name_as_the_script_does(app: Flask, jun: Member, path: str):
    extracted(app, path)
    assert highlight(jun, path, note="하늘 씨와 서연님 말")["note"] == "[이름1] 씨와 [이름2]님 말"


def test_a_known_name_that_begins_another_one_is_not_taken_for_it(app: Flask, jun: Member, path: str):
    extracted(app, path)
    assert highlight(jun, path, note="김철 씨 말")["note"] == "[이름3] 씨 말"
    assert highlight(jun, path, note="김철수 씨와 김철 씨")["note"] == "[이름4] 씨와 [이름3] 씨"


def test_a_note_takes_no_number_that_the_interview_shows_otherwise(app: Flask, jun: Member, path: str):
    script = [*SCRIPT, {"id": 5, "speaker": "[이름3]", "cleaned_sentence": "[ 이름 4 ]가요"}]
    extracted(app, path, cleaned_script=script, speakers={"화자2": "[이름5]"}, title="[이름6] 인터뷰")
    highlight(jun, path, note="[이름7]이 누구지?")
    assert highlight(jun, path, note="박서준 씨")["note"] == "[이름8] 씨"


@pytest.mark.parametrize("lost", ["numbering", "everything", "another masker's"])
def test_a_note_of_an_interview_without_a_numbering_means_nobody_of_it(app: Flask, jun: Member, path: str, lost: str):
    files, interview_id = extracted(app, path), UUID(path.rpartition("/")[2])
    files.drop(interview_id, PLACEHOLDERS)
    if lost == "everything":
        files.drop_all(interview_id)
    elif lost == "another masker's":
        extracted(app, path, masked_text="[이름2]: 네\n[이름1]: [가림1]요")
        files.drop(interview_id, PLACEHOLDERS)
    said = highlight(jun, path, note="이서연 씨와 박서준 씨")["note"]
    assert said == ("[이름2] 씨와 [이름3] 씨" if lost == "numbering" else "[이름3] 씨와 [이름4] 씨")
    assert highlight(jun, path, note="박서준 씨와 이서연 씨")["note"].split("와 ") == said.split("와 ")[::-1]


def test_a_numbering_that_was_lost_is_derived_once(app: Flask, jun: Member, path: str):
    """The text is masked again under the interview's lock; a later masker may number it otherwise."""
    files, interview_id = extracted(app, path), UUID(path.rpartition("/")[2])
    files.drop(interview_id, PLACEHOLDERS)
    assert highlight(jun, path, note="중요해요")["note"] == "중요해요"
    files.drop(interview_id, TEXT)
    assert highlight(jun, path, note="이서연 씨")["note"] == "[이름2] 씨"


def test_a_text_of_another_masker_is_masked_once(app: Flask, jun: Member, path: str):
    files, interview_id = (
        extracted(app, path, masked_text="[이름2]: 네\n[이름1]: [가림1]요"),
        UUID(path.rpartition("/")[2]),
    )
    files.drop(interview_id, PLACEHOLDERS)
    highlight(jun, path, note="중요해요")
    assert orjson.loads(files.read_whole(interview_id, PLACEHOLDERS)) == []


def test_a_text_that_cannot_be_read_may_come_back(app: Flask, jun: Member, path: str):
    files, interview_id = extracted(app, path), UUID(path.rpartition("/")[2])
    files.drop_all(interview_id)
    highlight(jun, path, note="중요해요")
    extracted(app, path)
    files.drop(interview_id, PLACEHOLDERS)
    assert highlight(jun, path, note="이서연 씨")["note"] == "[이름2] 씨"


def test_a_tag_is_one_for_all_interviews_and_has_no_numbers(app: Flask, jun: Member, path: str):
    extracted(app, path)
    made = highlight(jun, path, tags=["이서연 님", "박서준 님", "[이름1]의 말", "하늘소프트"])
    assert made["tags"] == ["[이름] 님", "[이름]의 말", "[가림]"]


def test_a_tag_is_found_however_its_letters_are_written(jun: Member, world: World, path: str):
    """macOS writes Hangul in single letters, of which forty whole ones are a hundred and twenty."""
    tag = "각" * 40
    written = unicodedata.normalize("NFD", tag)
    assert highlight(jun, path, tags=[written])["tags"] == [tag]
    found = jun.ask("GET", f"/api/projects/{world.food}/highlights", query_string={"tag": written})
    assert [one["tags"] for one in found.json["highlights"]] == [[tag]]
    longer = jun.ask("GET", f"/api/projects/{world.food}/highlights", query_string={"tag": written + "가"})
    assert (longer.status_code, list(longer.json["error"]["details"])) == (400, ["tag"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"firstUtteranceId": 3, "lastUtteranceId": 1}, "lastUtteranceId"),
        ({"firstUtteranceId": 1, "lastUtteranceId": 9}, "lastUtteranceId"),
        ({"firstUtteranceId": 1}, "lastUtteranceId"),
        ({"firstUtteranceId": -1, "lastUtteranceId": 1}, "firstUtteranceId"),
        (RANGE | {"tags": ["가"] * 11}, "tags"),
        (RANGE | {"note": "가" * 1001}, "note"),
    ],
)
def test_a_wrong_highlight_names_its_field(jun: Member, path: str, body: dict[str, Any], field: str):
    answer = jun.ask("POST", f"{path}/highlights", json=body)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, [field])


def test_a_projects_highlights_are_found_by_tag(jun: Member, vera: Member, world: World, path: str):
    made = [highlight(jun, path, tags=tags) for tags in (["결제"], ["느림"], ["결제", "느림"])]
    listed = f"/api/projects/{world.food}/highlights"
    found = vera.ask("GET", f"{listed}?tag=결제").json["highlights"]
    assert [one["id"] for one in found] == [made[2]["id"], made[0]["id"]]
    assert len(vera.ask("GET", listed).json["highlights"]) == 3
    jun.ask("PUT", f"{path}/speakers", json={"speakers": {"[이름1]": "참여자 A"}})
    [newest, *_] = vera.ask("GET", listed).json["highlights"]
    assert newest["title"] == vera.ask("GET", path).json["interview"]["title"]
    assert newest["utterances"] == [
        {"utterance_id": 1, "speaker": "진행자", "text": "어떠셨어요?"},
        {"utterance_id": 2, "speaker": "참여자 A", "text": "결제가 느려요."},
    ]
    jun.ask("DELETE", path)
    assert vera.ask("GET", listed).json["highlights"] == []
    assert vera.ask("GET", f"{path}/highlights").status_code == 404


@pytest.mark.parametrize(
    ("first", "last", "lines", "count"),
    [(3, 3, [2], 1), (1, 2, [1, 2], 2), (3, 4, [2, 4], 2), (1, 5, [1, 2, 4], 4)],
    ids=["within a merged one", "up to its first number", "from its second number", "longer than what is listed"],
)
def test_a_highlight_is_listed_with_its_lines_by_any_of_their_numbers(
    app: Flask, jun: Member, world: World, path: str, first: int, last: int, lines: list[int], count: int
):
    longer = [*SCRIPT, {"id": 5, "speaker": "진행자", "cleaned_sentence": "고마워요."}]
    with Session(parts(app).stores.engine) as session, session.begin():
        interview = session.get_one(Interview, UUID(path.rpartition("/")[2]))
        interview.cleaned_script = longer
        session.flush()
        index_utterances(session, interview)
    highlight(jun, path, firstUtteranceId=first, lastUtteranceId=last)
    [listed] = listed_in(jun, world)
    assert ([one["utterance_id"] for one in listed["utterances"]], listed["utterance_count"]) == (lines, count)
    with parts(app).stores.engine.begin() as connection:  # as one that was made before its place was kept
        connection.execute(text("update welno.highlights set first_position = null, last_position = null"))
    assert listed_in(jun, world) == [listed]


def test_the_lines_of_highlights_are_found_without_the_scripts(
    app: Flask, jun: Member, world: World, engine: Engine, path: str
):
    """Which are megabytes."""
    made = highlight(jun, path)
    jun.ask("PUT", f"{path}/highlights/{made['id']}", json=RANGE | {"firstUtteranceId": 3})
    with engine.begin() as connection:
        connection.execute(text("update welno.interviews set cleaned_script = '[]'"))
    [listed] = listed_in(jun, world)
    assert [one["text"] for one in listed["utterances"]] == ["결제가 느려요."]


def test_a_highlight_belongs_to_its_interview(app: Flask, jun: Member, world: World, path: str):
    made = highlight(jun, path)
    with Session(parts(app).stores.engine) as session, session.begin():
        other = add_interview(session, world, world.food, "jun", status="completed", cleaned_script=SCRIPT)
    for method, body in (("PUT", RANGE), ("DELETE", None)):
        answer = jun.ask(method, f"/api/interviews/{other}/highlights/{made['id']}", json=body)
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "HIGHLIGHT_NOT_FOUND")


def test_erasing_takes_names_and_highlights_along(jun: Member, mina: Member, engine: Engine, path: str):
    highlight(jun, path, note="중요해요")
    jun.ask("PUT", f"{path}/speakers", json={"speakers": {"화자2": "참여자 A"}})
    assert mina.ask("DELETE", f"{path}?erase=true").json["receipt"]["highlights"] == 1
    with engine.connect() as connection:
        left = connection.execute(text("select cast(t as text) from welno.interviews t")).scalars().all()
        assert not [row for row in left if "참여자" in row]
        theirs = text("select count(*) from welno.highlights where interview_id = :id")
        assert connection.execute(theirs, {"id": path.rpartition("/")[2]}).scalar_one() == 0
