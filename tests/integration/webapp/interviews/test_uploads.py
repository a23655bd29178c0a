"""Uploading: what is taken, what is refused before any row exists, and what is left where."""

import time
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from core.settings import Settings
from dev.local.ports import pick_port
from models.interviews import Interview, Project
from services.interviews.files import Said, read_said
from tests.integration.conftest import AppOf
from tests.integration.interviews.company import World
from webapp.api.interviews import workflow
from webapp.current import parts

from .members import Member

ASYNC = "/api/workflow/async"
URLENCODED = "application/x-www-form-urlencoded"
CANARY = "카나리아가 말했어요"


def send_words(member: Member, world: World, kind: str, words: list[str]) -> TestResponse:
    """Each in a field of its own."""
    fields = [("projectId", str(world.food)), ("title", "낱말3"), *(("maskWords", word) for word in words)]
    if kind == "urlencoded":
        sent = urlencode([*fields, ("text", "말")])
        return member.ask("POST", ASYNC, data=sent, content_type="application/x-www-form-urlencoded")
    file = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n'
    heads = (f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields)
    body = "".join([file, *heads] if kind == "file_first" else [*heads, file]) + "--b--\r\n"
    return member.ask("POST", ASYNC, data=body.encode(), content_type="multipart/form-data; boundary=b")


def send_file(member: Member, world: World, content: bytes, name: str = "첫 인터뷰.txt", **fields: Any) -> TestResponse:
    """As a browser writes it; the test client would put a large one into a file of its own."""
    headers = fields.pop("headers", {})
    parts_of_form = [
        f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in ({"projectId": str(world.food)} | fields).items()
    ]
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: x/y\r\n\r\n'
    body = b"".join([*parts_of_form, head.encode(), content, b"\r\n--b--\r\n"])
    return member.ask("POST", ASYNC, data=body, content_type="multipart/form-data; boundary=b", headers=headers)


def interviews_in(engine: Engine) -> int:
    with engine.connect() as connection:
        query = text("select count(*) from welno.interviews where source = 'file' or file_sha256 is not null")
        return int(connection.execute(query).scalar_one())


def files_on_disk(settings: Settings) -> list[Path]:
    return [path for path in (settings.files.data_dir / "interviews").rglob("*") if path.is_file()]


def code_of(answer: TestResponse) -> str:
    code: str = answer.json["error"]["code"]
    return code


def test_a_text_becomes_an_interview_that_waits(jun: Member, world: World, engine: Engine):
    answer = jun.upload(world, title="첫 이야기")
    assert answer.status_code == 200, answer.text
    body = answer.json
    assert (body["success"], body["status"], body["duplicate_of"]) == (True, "processing", None)
    interview = body["interview"]
    assert interview["id"] == body["interview_id"]
    assert {name: interview[name] for name in ("title", "workflow_status", "attempt", "revision", "file_name")} == {
        "title": "첫 이야기",
        "workflow_status": "processing",
        "attempt": 1,
        "revision": 1,
        "file_name": None,
    }
    assert interview["created_by"] == str(world.people["jun"])
    assert (interview["project_id"], interview["company_id"]) == (str(world.food), str(world.company))
    with engine.connect() as connection:
        run = connection.execute(
            text("select step, state, due_at - created_at as wait from welno.interview_runs where interview_id = :id"),
            {"id": body["interview_id"]},
        ).one()
    assert (run.step, run.state) == ("extract", "ready")
    assert 0.5 < run.wait.total_seconds() <= 1.5


def test_a_file_is_sealed_as_it_came(app: Flask, jun: Member, world: World, web_settings: Settings):
    content = f"{CANARY}\n".encode() * 100_000
    answer = send_file(jun, world, content, lastModified="1700000000000")
    assert answer.status_code == 200, answer.text
    interview = answer.json["interview"]
    assert (interview["title"], interview["file_name"]) == ("첫 인터뷰", "첫 인터뷰.txt")
    assert (interview["file_bytes"], interview["interview_date"]) == (len(content), "2023-11-15")
    assert not [path for path in files_on_disk(web_settings) if "카나리아".encode() in path.read_bytes()]
    files = parts(app).spool.interviews
    assert b"".join(files.read(UUID(interview["id"]), "original")) == content


def test_the_event_is_in_the_stream_before_the_answer(app: Flask, jun: Member, world: World):
    here = parts(app).stores
    answer = jun.upload(world)
    page = here.streams.read_after(f"project:{world.food}", 0)
    [event] = [orjson.loads(event.to_json()) for event in page.events]
    assert (event["type"], event["seq"]) == ("interview:added", 1)
    assert event["data"]["interview"] == answer.json["interview"]


def test_what_names_people_stands_nowhere_in_clear(jun: Member, world: World, engine: Engine):
    answer = send_file(jun, world, b"x", "카나리아 010-1234-5678.txt", title="카나리아 인터뷰", maskWords="카나리아")
    assert answer.status_code == 200, answer.text
    interview = answer.json["interview"]
    assert (interview["title"], "카나리아" in interview["file_name"]) == ("[가림1] 인터뷰", False)
    assert "5678" not in interview["file_name"]
    with engine.connect() as connection:
        for table in ("interviews", "interview_runs", "welno_events", "idempotency_keys"):
            rows = connection.execute(text(f"select cast(t as text) from welno.{table} t")).scalars()
            assert not [row for row in rows if "카나리아" in row]


def test_what_names_people_may_be_written_in_single_letters(app: Flask, jun: Member, world: World):
    """As macOS writes the names of files."""
    name, title, word = (
        unicodedata.normalize("NFD", one) for one in ("인터뷰_김하늘.txt", "하늘소프트" * 40, "하늘소프트")
    )
    answer = send_file(jun, world, "하늘소프트".encode(), name, title=title, maskWords=word)
    assert answer.status_code == 200, answer.text
    interview = answer.json["interview"]
    assert (interview["file_name"], interview["title"]) == ("인터뷰_[이름1].txt", "[가림1]" * 40)
    said = read_said(parts(app).spool.interviews, UUID(interview["id"]))
    assert said == Said("인터뷰_김하늘.txt", ("하늘소프트",), "하늘소프트" * 40)


def test_two_people_are_two_before_the_text_is_known(jun: Member, world: World):
    for name, expected in (("박서준", ("[이름1]", "[이름2]")), ("[이름1]", ("[이름2]", "[이름1]"))):
        interview = send_file(jun, world, b"x", f"{name} 인터뷰.txt", title="김하늘 인터뷰").json["interview"]
        assert (interview["title"], interview["file_name"]) == (f"{expected[0]} 인터뷰", f"{expected[1]} 인터뷰.txt")


@pytest.mark.parametrize("words", ['["하늘소프트", "김하늘"]', ' ["하늘소프트","김하늘", " "]', "하늘소프트, 김하늘"])
def test_words_to_mask_may_be_a_json_list_in_a_form(jun: Member, world: World, words: str):
    form = send_file(jun, world, b"x", title="하늘소프트의 김하늘", maskWords=words)
    sent = jun.upload(world, title="하늘소프트의 김하늘", maskWords=words)
    assert [one.json["interview"]["title"] for one in (form, sent)] == ["[가림1]의 [가림2]"] * 2


@pytest.mark.parametrize("kind", ["urlencoded", "file_last", "file_first"])
def test_a_hundred_words_to_mask_may_come_in_fields_of_their_own(jun: Member, world: World, kind: str):
    words = [f"낱말{number}" for number in range(100)]
    answer = send_words(jun, world, kind, words)
    assert (answer.status_code, answer.json["interview"]["title"]) == (200, "[가림1]"), answer.text
    for more in (1, 200):
        answer = send_words(jun, world, kind, words + ["더"] * more)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_FAILED")
        assert answer.json["error"]["details"] == {"maskWords": ["100개까지 보낼 수 있어요."]}


@pytest.mark.parametrize(
    "words", ["[하늘소프트]", '["하늘소프트"', '["하늘소프트", 1]', '["\\u0000"]', "[" * 40 + "]" * 40]
)
def test_words_to_mask_that_are_no_list_are_refused(jun: Member, world: World, words: str):
    for answer in (send_file(jun, world, b"x", maskWords=words), jun.upload(world, maskWords=words)):
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_FAILED")
        assert next(iter(answer.json["error"]["details"])).partition(".")[0] == "maskWords"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "말"}, "projectId"),
        ({"text": "말", "projectId": "undefined"}, "projectId"),
        ({"text": "말", "projectId": "null"}, "projectId"),
        ({"text": "말", "projectId": ""}, "projectId"),
        ({"text": "말", "projectId": None}, "projectId"),
        ({"projectId": "{food}"}, "file"),
        ({"text": " \n\t　", "projectId": "{food}"}, "text"),
        ({"text": "", "projectId": "{food}"}, "text"),
        ({"text": "\u200b\ufeff\u2060 \u200b", "projectId": "{food}"}, "text"),
        ({"text": "\u200c\u200d\u200e\u00ad\n\u180e\u2800\u3164", "projectId": "{food}"}, "text"),
        ({"text": "말", "projectId": "{food}", "title": "가" * 201}, "title"),
        ({"text": "말", "projectId": "{food}", "lastModified": -1}, "lastModified"),
        ({"text": "말", "projectId": "{food}", "lastModified": "어제"}, "lastModified"),
        ({"text": "말", "projectId": "{food}", "maskWords": ["가" * 65]}, "maskWords"),
        ({"text": "말", "projectId": "{food}", "maskWords": ",".join(map(str, range(101)))}, "maskWords"),
        *(({"text": "말", "projectId": "{food}", "consent": said}, "consent") for said in ("yes", 1, "on", None)),
        ({"text": "말", "projectId": "{food}", "nothing": 1}, "nothing"),
    ],
)
def test_a_wrong_field_is_named(jun: Member, world: World, engine: Engine, body: dict[str, Any], field: str):
    filled = {key: str(world.food) if value == "{food}" else value for key, value in body.items()}
    answer = jun.ask("POST", ASYNC, json=filled)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_FAILED")
    assert field in answer.json["error"]["details"]
    assert interviews_in(engine) == 0


@pytest.mark.parametrize(
    "name", ["a.hwp", "a.hwpx", "a.xls", "a.doc", "a.docm", "a.xlsm", "a.exe", "noextension", "a."]
)
def test_a_file_of_another_kind_is_refused_with_a_sentence(
    jun: Member, world: World, engine: Engine, web_settings: Settings, name: str
):
    answer = send_file(jun, world, b"x" * 300_000, name)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_FAILED")
    assert "저장" in answer.json["error"]["details"]["file"][0]
    assert (interviews_in(engine), files_on_disk(web_settings)) == (0, [])


@pytest.mark.parametrize(("content", "name"), [(b"", "a.txt"), (b"", ""), (b"x", "")])
def test_an_empty_or_missing_file_is_refused(jun: Member, world: World, content: bytes, name: str):
    answer = send_file(jun, world, content, name)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["file"])


def test_of_both_the_file_counts(jun: Member, world: World):
    answer = send_file(jun, world, b"from the file", text="from the text")
    assert answer.json["interview"]["source"] == "file"


def test_a_path_in_a_name_is_no_path(jun: Member, world: World):
    answer = send_file(jun, world, b"x", "../../etc/passwd.txt")
    assert answer.json["interview"]["file_name"] == "passwd.txt"


def test_a_text_that_is_too_long_is_refused(jun: Member, world: World, web_settings: Settings):
    longest = web_settings.interviews.miso_context_max_chars
    answer = jun.upload(world, "가" * (longest + 1))
    assert (answer.status_code, code_of(answer)) == (400, "TEXT_TOO_LONG")
    assert jun.upload(world, "가" * longest).status_code == 200


def test_a_texts_length_counts_whole_letters(jun: Member, world: World, web_settings: Settings):
    longest = web_settings.interviews.miso_context_max_chars
    assert jun.upload(world, unicodedata.normalize("NFD", "각" * longest)).status_code == 200
    for too_long in ("각" * (longest + 1), "각" * (longest * 2)):
        answer = jun.upload(world, unicodedata.normalize("NFD", too_long))
        assert (answer.status_code, code_of(answer)) == (400, "TEXT_TOO_LONG")


def test_a_text_of_marks_alone_holds_nobody_up(jun: Member, world: World, web_settings: Settings):
    """Whose order takes a library minutes."""
    began = time.monotonic()
    jun.upload(world, "a" + "\u0301\u0323" * (web_settings.interviews.miso_context_max_chars // 2 - 1))
    assert time.monotonic() - began < 5


def test_a_text_in_a_form_may_be_as_long(jun: Member, world: World, web_settings: Settings, engine: Engine):
    longest = web_settings.interviews.miso_context_max_chars
    for too_long in ("가" * (longest + 1), "가" * 1024 * 1024):
        answer = send_file(jun, world, b"", "", text=too_long)
        assert (answer.status_code, code_of(answer)) == (400, "TEXT_TOO_LONG")
        assert list(answer.json["error"]["details"]) == ["text"]
    assert interviews_in(engine) == 0
    assert send_file(jun, world, b"", "", text="가" * longest).json["interview"]["source"] == "text"
    both = send_file(jun, world, b"from the file", text="가" * (longest + 1))
    assert both.json["interview"]["source"] == "file"


def test_other_fields_of_a_form_share_a_small_bound(jun: Member, world: World):
    answer = send_file(jun, world, b"x", text="가" * 40_000, title="x" * 65_537)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, ["body"])


def test_a_text_that_masking_makes_too_long_is_refused_and_not_taken(
    jun: Member, world: World, web_settings: Settings, engine: Engine
):
    longest = web_settings.interviews.miso_context_max_chars
    fits = ("가나 " * longest)[: longest // 2]
    answer = jun.upload(world, fits, maskWords=["가"])
    assert (answer.status_code, code_of(answer)) == (400, "TEXT_TOO_LONG")
    assert (interviews_in(engine), files_on_disk(web_settings)) == (0, [])
    assert jun.upload(world, fits, maskWords=["다"]).status_code == 200


def test_a_file_that_is_too_large_is_refused(jun: Member, world: World, engine: Engine, web_settings: Settings):
    answer = send_file(jun, world, bytes(50 * 1024 * 1024 + 1))
    assert (answer.status_code, code_of(answer)) == (413, "FILE_TOO_LARGE")
    assert (interviews_in(engine), files_on_disk(web_settings)) == (0, [])


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"data": b"", "content_type": None}, "projectId"),
        ({"data": b"", "content_type": URLENCODED}, "projectId"),
        ({"data": b"projectId={food}&title=a", "content_type": URLENCODED}, "file"),
        ({"data": b"projectId={food}&file=a.txt", "content_type": URLENCODED}, "file"),
        ({"data": b"projectId={food}&text=%20", "content_type": URLENCODED}, "text"),
        ({"data": b"projectId=undefined", "content_type": URLENCODED}, "projectId"),
        ({"data": b"projectId={food}&text=a&text=b", "content_type": URLENCODED}, "text"),
        ({"data": b"text=%FF", "content_type": URLENCODED}, "body"),
        ({"data": b"title=1&" * 40, "content_type": URLENCODED}, "title"),
        ({"data": b"a=1&" * 2000, "content_type": URLENCODED}, "body"),
    ],
)
def test_a_form_without_a_file_is_told_what_is_missing(
    jun: Member, world: World, engine: Engine, sent: dict[str, Any], field: str
):
    """Most clients send such a form urlencoded, and an empty one without a type."""
    data = sent["data"].replace(b"{food}", str(world.food).encode())
    answer = jun.ask("POST", ASYNC, **(sent | {"data": data}))
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_FAILED")
    assert field in answer.json["error"]["details"]
    assert interviews_in(engine) == 0


def test_a_urlencoded_form_may_have_a_text(jun: Member, world: World):
    answer = jun.ask("POST", ASYNC, data={"projectId": str(world.food), "text": "결제가 어려워요", "title": "첫 글"})
    assert (answer.status_code, answer.json["interview"]["title"]) == (200, "첫 글")


def test_a_urlencoded_form_that_is_too_large_is_refused(jun: Member, world: World):
    data = b"text=" + b"a" * 1024 * 1024
    answer = jun.ask("POST", ASYNC, data=data, content_type=URLENCODED)
    assert (answer.status_code, code_of(answer)) == (413, "BODY_TOO_LARGE")


def test_bytes_without_a_type_are_refused(jun: Member, world: World):
    answer = jun.ask("POST", ASYNC, data=b"x", content_type=None)
    assert (answer.status_code, code_of(answer)) == (415, "NOT_JSON")


def test_a_body_of_another_type_is_refused(jun: Member, world: World):
    answer = jun.ask("POST", ASYNC, data=b"<xml/>", content_type="text/xml")
    assert (answer.status_code, code_of(answer)) == (415, "NOT_JSON")


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n", b"no form at all", b'--b\r\nContent-Disposition: form-data; name="file"']
)
def test_a_broken_form_leaves_nothing(jun: Member, world: World, web_settings: Settings, body: bytes):
    answer = jun.ask("POST", ASYNC, data=body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 400
    assert files_on_disk(web_settings) == []


def test_the_same_bytes_are_named_as_a_duplicate(jun: Member, world: World):
    first = send_file(jun, world, b"the same")
    second = send_file(jun, world, b"the same", "another.md")
    assert second.json["duplicate_of"] == first.json["interview_id"]
    assert second.json["interview_id"] != first.json["interview_id"]


def test_a_key_gives_the_same_answer_again(jun: Member, world: World, engine: Engine, web_settings: Settings):
    headers = {"Idempotency-Key": "once"}
    first = send_file(jun, world, b"x", headers=headers)
    before = len(files_on_disk(web_settings))
    again = send_file(jun, world, b"x", headers=headers)
    assert again.json == first.json
    assert (again.headers["Idempotent-Replayed"], interviews_in(engine)) == ("true", 1)
    assert len(files_on_disk(web_settings)) == before
    other = send_file(jun, world, b"y", headers=headers)
    assert (other.status_code, code_of(other)) == (409, "IDEMPOTENCY_MISMATCH")


def test_a_key_tells_nothing_to_who_is_no_member_any_more(
    jun: Member, mina: Member, world: World, web_settings: Settings
):
    headers = {"Idempotency-Key": "once"}
    assert send_file(jun, world, b"x", headers=headers).status_code == 200
    assert jun.upload(world, headers={"Idempotency-Key": "2"}).status_code == 200
    before = len(files_on_disk(web_settings))
    mina.ask("DELETE", f"/api/projects/{world.food}/members?accountId={world.people['jun']}")
    for again in (send_file(jun, world, b"x", headers=headers), jun.upload(world, headers={"Idempotency-Key": "2"})):
        assert (again.status_code, code_of(again)) == (404, "PROJECT_NOT_FOUND")
    assert len(files_on_disk(web_settings)) == before


def test_keys_of_two_people_are_two(jun: Member, mina: Member, world: World, engine: Engine):
    headers = {"Idempotency-Key": "once"}
    assert jun.upload(world, headers=headers).status_code == mina.upload(world, headers=headers).status_code == 200
    assert interviews_in(engine) == 2


def test_a_project_that_requires_consent_gets_none_without(jun: Member, world: World, engine: Engine):
    with engine.begin() as connection:
        connection.execute(update(Project).where(Project.id == world.food).values(requires_consent=True))
    refused = jun.upload(world)
    assert (refused.status_code, code_of(refused)) == (403, "CONSENT_REQUIRED")
    taken = jun.upload(world, consent=True)
    with engine.connect() as connection:
        query = text("select consent_by from welno.interviews where id = :id")
        by = connection.execute(query, {"id": taken.json["interview_id"]}).scalar_one()
    assert by == world.people["jun"]
    of_forms = [send_file(jun, world, b"x", consent=said).status_code for said in ("true", "on", "false", "아마")]
    assert of_forms == [200, 200, 403, 400]  # which have texts only


def test_a_spent_budget_takes_no_more(jun: Member, world: World, engine: Engine):
    with engine.begin() as connection:
        connection.execute(update(Project).where(Project.id == world.food).values(monthly_token_limit=100))
    first = jun.upload(world)
    with engine.begin() as connection:
        interview_id = first.json["interview_id"]
        spend = text("insert into welno.miso_costs values (:id, 1, :project, now(), 1, 100, 1)")
        connection.execute(spend, {"id": interview_id, "project": world.food})
    refused = jun.upload(world)
    assert (refused.status_code, code_of(refused)) == (409, "BUDGET_SPENT")


def test_a_viewer_may_not_upload_and_a_stranger_learns_nothing(
    vera: Member, sora: Member, world: World, web_settings: Settings
):
    refused = vera.upload(world)
    assert (refused.status_code, code_of(refused)) == (403, "FORBIDDEN")
    stranger, unknown = sora.upload(world), sora.upload(world, projectId=str(uuid4()))
    assert (stranger.status_code, code_of(stranger)) == (404, "PROJECT_NOT_FOUND")
    assert {**stranger.json, "request_id": ""} == {**unknown.json, "request_id": ""}
    assert files_on_disk(web_settings) == []


def test_nobody_reads_a_body_of_who_is_not_signed_in(app: Flask, world: World):
    answer = app.test_client().post(ASYNC, json={"text": "말", "projectId": str(world.food)})
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")


def test_the_day_is_koreas(jun: Member, world: World, engine: Engine):
    late = int(datetime(2026, 3, 1, 15, 30, tzinfo=UTC).timestamp() * 1000)
    answer = jun.upload(world, lastModified=late)
    assert answer.json["interview"]["interview_date"] == "2026-03-02"
    with engine.connect() as connection:
        assert connection.execute(Interview.__table__.select()).first()


def test_an_upload_needs_no_redis(
    app_of: AppOf,
    demo_env: dict[str, str],
    postgres_url: str,
    web_settings: Settings,
    jun: Member,
    world: World,
    engine: Engine,
):
    """Logins and numbers stand in PostgreSQL; the stream is filled when Redis is back."""
    changes = {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": f"redis://127.0.0.1:{pick_port()}/0",
        "TILKO_DATA_DIR": str(web_settings.files.data_dir),
    }
    without = app_of(Settings.read({**demo_env, **changes}))
    answer = Member(without.test_client(use_cookies=False), "jun", jun.token).upload(world)
    assert answer.status_code == 200, answer.text
    with engine.connect() as connection:
        numbered = text("select seq from welno.welno_events where subject = :subject")
        assert list(connection.execute(numbered, {"subject": f"project:{world.food}"}).scalars()) == [1]


def test_what_was_committed_keeps_its_files_though_nobody_was_told(
    app: Flask, jun: Member, world: World, web_settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Its connection breaks, or its process is told to end, between the commit and the answer."""

    def away(*_: object) -> None:
        raise OperationalError("commit", {}, Exception())

    headers = {"Idempotency-Key": str(uuid4())}
    with monkeypatch.context() as broken:
        broken.setattr(parts(app).stores.unit_of_work, "_deliver", away)
        assert send_file(jun, world, b"x" * 300_000, headers=headers).status_code == 503
    again = send_file(jun, world, b"x" * 300_000, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    with engine.connect() as connection:
        stored = (
            connection.execute(text("select id from welno.interviews where file_sha256 is not null")).scalars().all()
        )
    assert [str(one) for one in stored] == [again.json["interview_id"]]
    assert "original" in parts(app).spool.interviews.names(stored[0])
    assert {path.parent.name for path in files_on_disk(web_settings)} == {str(stored[0])}


def test_a_database_that_is_away_leaves_nothing(
    app: Flask, jun: Member, world: World, web_settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    """It goes away after the bytes have come."""

    def away(*_: object) -> None:
        raise OperationalError("insert", {}, Exception())

    monkeypatch.setattr(workflow, "add_interview", away)
    answer = send_file(jun, world, b"x" * 300_000)
    assert (answer.status_code, code_of(answer)) == (503, "STORE_UNAVAILABLE")
    assert files_on_disk(web_settings) == []
