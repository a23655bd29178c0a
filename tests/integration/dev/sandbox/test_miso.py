"""MISO's workflows, logs, stop, files and knowledge base, by the letter of the protocol."""

import pytest

from tests.integration.dev.sandbox.miso import INTERVIEW, MisoCaller, outputs_of


@pytest.fixture
def miso(shared_sandbox, control):
    return MisoCaller(shared_sandbox.url, shared_sandbox.http)


@pytest.fixture
def quick(control):
    control.set_fault("/workflows/run", workflow_seconds=0.1)


def miso_calls(control, **query):
    return control.get("miso/calls", **query)


def test_a_blocking_run_answers_with_an_analysis_of_the_text(miso, quick):
    answer = miso.run().json()
    assert answer["workflow_run_id"] == answer["data"]["id"]
    assert (answer["data"]["status"], answer["data"]["error"]) == ("succeeded", None)
    assert answer["data"]["total_tokens"] > 0
    script = outputs_of(answer)["cleaned_script"]
    assert [line["speaker"] for line in script[:2]] == ["Q", "김하늘"]
    assert script[1] == {
        "id": [2],
        "speaker": "김하늘",
        "category": "이용 경험",
        "cleaned_sentence": "매일 점심마다 주문해요. 거의 습관이에요.",
    }


def test_the_same_text_gives_the_same_analysis(miso, quick):
    first, second = (outputs_of(miso.run(user=f"u-{number}").json()) for number in range(2))
    assert first == second


def test_a_run_takes_its_time_and_is_billed_once(miso, control):
    before = miso_calls(control)["billed"]
    answer = miso.run(user="iv-slow").json()
    assert 1.0 <= answer["data"]["elapsed_time"] < 4
    assert (before, miso_calls(control)["billed"]) == ({}, {"iv-slow": 1})


def test_a_streamed_run_tells_its_ids_first_and_its_result_last(miso, quick):
    events = miso.stream_run()
    assert (events[0]["event"], events[-1]["event"]) == ("workflow_started", "workflow_finished")
    assert {event["workflow_run_id"] for event in events} == {events[-1]["data"]["id"]}
    assert outputs_of(events[-1])["primary_pain_points"]


def test_a_run_is_found_by_its_id_and_in_the_logs_by_its_user(miso, quick):
    run = miso.run(user="iv-found").json()
    miso.run(user="iv-other")
    logs = miso.get("workflows/logs", keyword="iv-found").json()
    assert [entry["created_by_end_user"]["session_id"] for entry in logs["data"]] == ["iv-found"]
    found = logs["data"][0]["workflow_run"]["id"]
    assert found == run["workflow_run_id"]
    assert miso.get(f"workflows/run/{found}").json()["outputs"] == run["data"]["outputs"]
    assert miso.get("workflows/run/unknown").status_code == 404


def test_logs_come_in_pages_newest_first(miso, quick):
    for number in range(3):
        miso.run(user=f"iv-{number}")
    first, second = (miso.get("workflows/logs", page=page, limit=2).json() for page in (1, 2))
    users = [entry["created_by_end_user"]["session_id"] for page in (first, second) for entry in page["data"]]
    assert users == ["iv-2", "iv-1", "iv-0"]
    assert (first["has_more"], second["has_more"], first["total"]) == (True, False, 3)


def test_a_streamed_run_stops_for_its_own_user_only(miso, control):
    with miso.stream("workflows/run", miso.run_body(mode="streaming", user="iv-stop")) as answer:
        lines = answer.iter_lines()
        next(lines)
        task = miso_calls(control, user="iv-stop")["calls"][0]["task_id"]
        for user in ("stranger", "iv-stop"):
            assert miso.post(f"workflows/tasks/{task}/stop", {"user": user}).json() == {"result": "success"}
        last = [line for line in lines if line][-1]
    assert '"status":"stopped"' in last
    assert miso_calls(control, user="iv-stop")["calls"][0]["stopped"] is True


def test_a_run_that_is_stopped_goes_on_for_a_moment_and_tells_then_what_it_has_used(miso, control, eventually):
    with miso.stream("workflows/run", miso.run_body(mode="streaming", user="iv-ends")) as answer:
        next(answer.iter_lines())
        [call] = miso_calls(control, user="iv-ends")["calls"]
        miso.post(f"workflows/tasks/{call['task_id']}/stop", {"user": "iv-ends"})
        run = miso.get(f"workflows/run/{call['workflow_run_id']}").json()
        assert (run["status"], run["total_tokens"]) == ("running", 0)
        assert miso.get("workflows/logs", keyword="iv-ends").json()["data"] == []
    [entry] = eventually(lambda: miso.get("workflows/logs", keyword="iv-ends").json()["data"])
    assert (entry["workflow_run"]["status"], entry["workflow_run"]["total_tokens"] > 0) == ("stopped", True)


def test_a_client_that_leaves_does_not_end_a_run(miso, control, eventually):
    with miso.stream("workflows/run", miso.run_body(mode="streaming", user="iv-left")) as answer:
        next(answer.iter_lines())
    assert eventually(lambda: miso.get("workflows/logs", keyword="iv-left").json()["data"])
    assert miso_calls(control, user="iv-left")["calls"][0]["delivered"] is False


def test_each_key_opens_its_own_app_only(miso):
    for key in (miso.agent, miso.knowledge, "unknown"):
        refused = miso.run(key=key)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert miso.post("chat", miso.chat_body(), key=miso.workflow).status_code == 401
    assert miso.get("datasets/d/docs", key=miso.agent).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": {}},
        {"inputs": {"context": "가" * 50_001}},
        {"mode": "later"},
        {"user": ""},
        {"mode": None, "response_mode": "blocking"},
    ],
)
def test_what_the_protocol_forbids_is_an_invalid_param_and_free(miso, control, change):
    body = {name: value for name, value in (miso.run_body() | change).items() if value is not None}
    refused = miso.run(body=body)
    assert (refused.status_code, refused.json()["code"], refused.json()["status"]) == (400, "invalid_param", 400)
    assert miso_calls(control)["billed"] == {}


def test_bodies_are_kept_whole_and_searched(miso, control, quick):
    miso.run(text=f"김하늘: {INTERVIEW} 카나리아")
    miso.http.post(  # the same words escaped
        f"{miso.base}/workflows/run",
        content=b'{"inputs":{"context":"\\uce74\\ub098\\ub9ac\\uc544"},"mode":"blocking","user":"u"}',
        headers=miso.headers(miso.workflow),
    )
    found = miso_calls(control, match="카나리아")["calls"]
    assert len(found) == 2
    assert INTERVIEW.splitlines()[1] in found[0]["body"]
    assert miso_calls(control, match="없는 말")["calls"] == []


def test_one_in_eight_quotes_is_invented(miso, quick):
    text = "\n".join(f"이용자: {number}번째 단계가 복잡하고 불편해요 {number}" for number in range(40))
    quotes = [
        quote
        for number in range(6)
        for point in outputs_of(miso.run(text=f"{text}\n이용자: 끝 {number}").json())["primary_pain_points"]
        for quote in point["evidence"]
    ]
    invented = [quote for quote in quotes if "단계가" not in quote]
    assert 0 < len(invented) < len(quotes) / 3


def test_a_persona_is_one_of_those_given(miso, quick):
    match = outputs_of(miso.run(personas="P-01, P-02").json())["ai_persona_match"]
    assert match["persona_code"] in ("P-01", "P-02")


def test_a_file_is_taken_and_described(miso):
    answer = miso.http.post(
        f"{miso.base}/files/upload",
        files={"file": ("대화.txt", "안녕".encode(), "text/plain")},
        data={"user": "u"},
        headers=miso.headers(miso.workflow),
    )
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["size"], answer.json()["extension"]) == ("대화.txt", 6, "txt")


def test_a_document_is_indexed_takes_segments_and_goes(miso, eventually):
    docs = "datasets/d-1/docs"
    made = miso.post(f"{docs}/text", {"name": "a", "text": "b"}, key=miso.knowledge).json()["document"]

    def is_indexed():
        return miso.get(docs, key=miso.knowledge).json()["data"][0]["indexing_status"] == "completed"

    eventually(is_indexed)
    segments = {"segments": [{"content": "하나", "keywords": []}]}
    assert miso.post(f"{docs}/{made['id']}/segments", segments, key=miso.knowledge).status_code == 200
    gone = miso.http.delete(f"{miso.base}/{docs}/{made['id']}", headers=miso.headers(miso.knowledge))
    assert gone.status_code == 204
    assert miso.get(docs, key=miso.knowledge).json()["data"] == []


def test_a_reset_forgets_runs_calls_and_documents(miso, control, quick):
    miso.run()
    miso.post("datasets/d-1/docs/text", {"name": "a", "text": "b"}, key=miso.knowledge)
    control.post("reset")
    assert miso_calls(control) == {"calls": [], "billed": {}}
    assert miso.get("workflows/logs").json()["data"] == []
    assert miso.get("datasets/d-1/docs", key=miso.knowledge).json()["data"] == []
