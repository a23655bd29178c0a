"""What a file gives, what leaves of it, and what becomes of answers and runs that nobody can use."""

import errno
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import orjson
import psutil
import pytest
from docx import Document
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.clock import clock
from services.database import UnsuitableDatabase
from services.interviews.analysis_failures import AnalysisFault, failure_of
from services.interviews.changing import delete_interview, process_interview, restore_interview, retry_interview
from services.interviews.errors import UnderWay
from services.interviews.files import PLACEHOLDERS, SAID, TEXT, Said, answer_name, read_said
from services.interviews.run_tools import RunTools
from services.interviews.runs import InterviewClaim, RunOutdated
from services.interviews.saving import fail_attempt
from services.interviews.stepping import do_step, hand_back, postpone
from spool import Disk, Spool, StorageFault
from tests.end_to_end.haystack import Wiretap, find_in
from tests.integration.services.interviews import documents
from tests.integration.services.interviews.documents import make_docx, make_pdf, saved
from tests.waiting import wait_until
from upstream.miso.workflows import MisoWorkflows

from .analyses import CALLS, Analyses, Uploaded, run_analyses
from .run_gates import build_gates, is_held, shut_gate
from .steps import claim, go_through

LINES = (
    "진행자: 성함과 연락처를 알려 주세요.",
    "김카나리: 저는 김카나리이고 번호는 010-1234-5678이에요. 공일공 일이삼사 오육칠팔이요.",
    "진행자: 카나리 님, 비밀 프로젝트에서 무엇이 불편했나요?",
    "김카나리: 주민번호 900101-1234567과 canary@example.com을 매번 넣어야 해서 답답했어요.",
)
CANARIES = ("카나리", "하늘", "1234-5678", "오육칠팔", "900101", "canary@", "비밀 프로젝트")


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home) as analyses:
        build_gates(analyses.engine)
        yield analyses


def make_interview() -> bytes:
    document = Document()
    for line in LINES:
        document.add_paragraph(line)
    return saved(document)


def contents(analyses: Analyses) -> str:
    """Everything that is in clear: the database's rows, the logs, Redis."""
    rows = [analyses.read(f"select * from welno.{table}") for table in ("interviews", "interview_runs", "welno_events")]
    logs = [path.read_text(errors="replace") for path in (analyses.stack.home / "logs").glob("*.log")]
    redis = analyses.stores.redis
    kept = [(key, redis.dump(key)) for key in redis.scan_iter()]
    return "\n".join([str(rows), *logs, str(kept), *(str(value).encode().decode("unicode_escape") for value in kept)])


def test_nothing_personal_leaves_or_stays_in_clear(analyses: Analyses):
    with Wiretap(analyses.stack.valkey.url) as wiretap:
        interview = analyses.upload(file=("김하늘님 010-1234-5678.docx", make_interview()), words=("비밀 프로젝트",))
        row = analyses.wait(interview, "completed", "failed")
    assert row["status"] == "completed"
    needles = {canary: canary for canary in CANARIES}
    assert str(interview.id).encode() in wiretap.text
    assert find_in(needles, wiretap.text) == []
    assert row["metadata"]["masked"] == {"이름": 1, "전화": 1, "주민번호": 1, "이메일": 1, "가림": 1}
    assert [canary for canary in CANARIES if analyses.calls(match=canary)] == []
    assert analyses.calls(match="[이름1]") != []
    seen = contents(analyses)
    assert [canary for canary in CANARIES if canary in seen] == []
    assert "카나리" in b"".join(analyses.files.read(interview.id, TEXT)).decode()


def test_a_title_loses_whom_the_text_names_in_its_row_and_in_what_was_told(analyses: Analyses):
    """Both or neither: killed before they are committed, they are done again."""
    file = ("1차_김카나리_결제.docx", make_interview())
    with shut_gate(analyses, "extracted", file=file) as interview:
        assert "카나리" in str(analyses.row(interview)["title"])
        wait_until(lambda: is_held(analyses))
        assert "카나리" in str(analyses.read("select body from welno.welno_events"))
        analyses.stack.kill("interviews", signal.SIGKILL)
        wait_until(lambda: not analyses.stack.is_running("interviews"))
    analyses.stack.start("interviews")
    row = analyses.wait(interview, "completed", "failed", timeout=40)
    assert (row["status"], row["title"], row["file_name"]) == ("completed", "1차_[이름1]_결제", "1차_[이름1]_결제.docx")
    assert "카나리" not in contents(analyses)
    [added, *_] = analyses.events(interview)
    assert (added["type"], added["data"]["interview"]["title"]) == ("interview:added", "1차_[이름1]_결제")


def test_a_title_calls_people_as_the_text_does(analyses: Analyses):
    interview = analyses.upload(file=("박서준 인터뷰.txt", "김하늘: 어땠어요?\n박서준: 느려요.\n김하늘: 네".encode()))
    assert analyses.row(interview)["title"] == "[이름1] 인터뷰"
    row = analyses.wait(interview, "completed", "failed")
    assert row["masked_text"] == "[이름1]: 어땠어요?\n[이름2]: 느려요.\n[이름1]: 네"
    assert (row["title"], row["file_name"]) == ("[이름2] 인터뷰", "[이름2] 인터뷰.txt")
    [added, *_] = analyses.events(interview)
    assert added["data"]["interview"]["title"] == "[이름2] 인터뷰"
    kept = analyses.files.read_whole(interview.id, PLACEHOLDERS)
    assert orjson.loads(kept) == [["이름", "김하늘", "[이름1]"], ["이름", "박서준", "[이름2]"]]


def test_who_comes_late_leaves_the_numbering_as_it_is(analyses: Analyses, tools: RunTools, owner_id: int):
    """Notes may have added to it since another process has read the text."""
    interview = analyses.upload()
    late = claim(analyses, tools, interview, owner_id)
    analyses.execute("update welno.interview_runs set fence = fence + 1 where interview_id = :id", id=interview.id)
    analyses.files.put(interview.id, PLACEHOLDERS, b"newer")
    with pytest.raises(RunOutdated):
        do_step(tools, late)
    assert analyses.files.read_whole(interview.id, PLACEHOLDERS) == b"newer"
    with analyses.as_member() as member:
        delete_interview(member, interview.id)


def test_a_title_that_an_older_version_has_masked_by_itself_means_nobody(analyses: Analyses):
    """It kept no other, and numbered it anew."""
    with shut_gate(analyses, "extracted", file=("박서준 인터뷰.txt", "김하늘: 어땠어요?".encode())) as interview:
        assert analyses.row(interview)["title"] == "[이름1] 인터뷰"
        kept = orjson.loads(analyses.files.read_whole(interview.id, SAID))
        analyses.files.put(interview.id, SAID, orjson.dumps(kept | {"title": None}))
        wait_until(lambda: is_held(analyses))
        analyses.stack.kill("interviews", signal.SIGKILL)
        wait_until(lambda: not analyses.stack.is_running("interviews"))
    analyses.stack.start("interviews")
    row = analyses.wait(interview, "completed", "failed", timeout=40)
    assert (row["masked_text"], row["title"]) == ("[이름1]: 어땠어요?", "[이름] 인터뷰")


def test_what_an_older_version_has_kept_of_an_upload_is_read(analyses: Analyses):
    interview_id = uuid4()
    analyses.files.put(interview_id, SAID, b'{"file_name": "a.txt", "mask_words": ["b"]}')
    assert read_said(analyses.files, interview_id) == Said("a.txt", ("b",), None)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("scan.pdf", make_pdf([""]), "NO_TEXT"),
        ("talk.docx", make_docx()[:400], "FILE_DAMAGED"),
        ("talk.docx", b"%PDF-1.7\n", "FILE_TYPE_MISMATCH"),
        ("talk.txt", ("가" * 50_001).encode(), "TEXT_TOO_LONG"),
    ],
)
def test_a_file_that_gives_no_text_fails_with_a_sentence(analyses: Analyses, name: str, content: bytes, code: str):
    interview = analyses.upload(file=(name, content))
    row = analyses.wait(interview, "completed", "failed")
    assert row["error"]["code"] == code
    assert row["error"]["message"].endswith("요.")
    assert analyses.told(interview) == ["interview:added", "interview:failed"]
    assert called_for(analyses, interview) == 0


HOSTILE: list[tuple[str, Callable[[], bytes], str]] = [
    ("burning.pdf", documents.burning_pdf, "FILE_TOO_COMPLEX"),
    ("flate.pdf", documents.flate_bomb, "FILE_TOO_COMPLEX"),
    ("loop.pdf", lambda: make_pdf(["x"], kids=b"2 0 R"), "FILE_DAMAGED"),
    ("closed.pdf", lambda: documents.encrypted_pdf("secret"), "FILE_ENCRYPTED"),
    ("entities.xml", f"{documents.ENTITIES}<a>&a11;</a>".encode, "FILE_TOO_COMPLEX"),
    ("paragraphs.docx", lambda: documents.docx_body("<w:p/>" * 150_000), "FILE_TOO_COMPLEX"),
    (
        "zip.xlsx",
        lambda: documents.repacked(documents.make_xlsx(), {"xl/bomb.xml": bytes(300_000_000)}),
        "FILE_TOO_COMPLEX",
    ),
]


def test_hostile_files_fail_with_a_sentence_and_nothing_else_notices(analyses: Analyses):
    process_id = analyses.stack.pid("interviews")
    hostile = {name: analyses.upload(file=(name, make())) for name, make, _ in HOSTILE}
    wait_until(lambda: psutil.Process(process_id).children())
    good = analyses.upload(file=("good.docx", make_interview()))
    assert analyses.wait(good, "completed", "failed", timeout=60)["status"] == "completed"
    assert analyses.row(hostile["burning.pdf"])["status"] == "processing"
    for name, _, code in HOSTILE:
        error = analyses.wait(hostile[name], "completed", "failed", timeout=90)["error"]
        assert (name, error["code"], error["message"][-2:]) == (name, code, "요.")
        assert analyses.told(hostile[name]) == ["interview:added", "interview:failed"]
        assert (called_for(analyses, hostile[name]), analyses.read(CALLS, id=hostile[name].id)) == (0, [])
    assert (called_for(analyses, good), analyses.read(CALLS, id=good.id)) == (1, [{"calls": 1}])
    assert (analyses.stack.pid("interviews"), analyses.stack.is_running("interviews")) == (process_id, True)


def called_for(analyses: Analyses, interview: Uploaded) -> int:
    """How often MISO was asked about it, by whatever text."""
    return sum(str(interview.id) in call["user"] for call in analyses.calls(path="workflows/run"))


def test_a_text_too_long_once_it_is_masked_names_nobody_in_its_title(analyses: Analyses):
    content = "김카나리: 결제가 느려요\n" * 3_500
    assert len(content) < 50_000
    interview = analyses.upload(file=("1차_김카나리_결제.txt", content.encode()))
    row = analyses.wait(interview, "completed", "failed")
    assert (row["error"]["code"], row["title"], row["file_name"]) == (
        "TEXT_TOO_LONG",
        "1차_[이름1]_결제",
        "1차_[이름1]_결제.txt",
    )
    assert "카나리" not in contents(analyses)
    [added, *_] = analyses.events(interview)
    assert (added["type"], added["data"]["interview"]["title"]) == ("interview:added", "1차_[이름1]_결제")


def test_an_analysis_fills_its_row_and_teaches_the_project(analyses: Analyses):
    interview = analyses.prepare(outputs="json").interview
    row = analyses.wait(interview, "completed")
    assert (len(row["cleaned_script"]), row["persona_combination_id"] is not None, row["revision"]) == (3, True, 3)
    assert row["metadata"]["processing_completed_at"] > row["metadata"]["processing_started_at"]
    [call] = analyses.runs_of(interview)
    assert call["user"].startswith(f"iv-{interview.id}-1-")
    run = analyses.run(interview)
    assert (run["state"], run["step"], run["tokens"] > 0, run["elapsed_seconds"] > 0) == ("ended", "save", True, True)
    later = analyses.prepare().interview
    analyses.wait(later, "completed")
    assert row["script_sections"][0]["sector_name"] in analyses.runs_of(later)[0]["body"]
    assert row["key_takeaways"][0] in analyses.runs_of(later)[0]["body"]


def test_a_kept_answer_is_read_once_more_without_a_call(analyses: Analyses):
    with shut_gate(analyses, "saved") as interview:
        wait_until(lambda: is_held(analyses))
        analyses.stack.kill("interviews", signal.SIGKILL)
    with analyses.as_member() as member:
        delete_interview(member, interview.id)
    with analyses.as_member() as member:
        restore_interview(member, interview.id, 30)
    analyses.stack.start("interviews")
    process(analyses, interview)
    analyses.wait(interview, "completed")
    assert analyses.bills_of(interview) == [1]
    assert analyses.told(interview)[-3:] == ["processing", "analyzing", "interview:completed"]


def process(analyses: Analyses, interview: Uploaded) -> None:
    kept = analyses.files.names(interview.id)
    with analyses.as_member() as member:
        process_interview(
            member, interview.id, analyses.world.food, has_answer=lambda attempt: answer_name(attempt) in kept
        )


def test_an_answer_that_nobody_can_use_stays_so_and_costs_nothing_more(analyses: Analyses):
    interview = analyses.prepare(outputs="truncated").interview
    analyses.wait(interview, "failed")
    process(analyses, interview)
    wait_until(lambda: analyses.told(interview).count("interview:failed") == 2)
    assert analyses.row(interview)["error"]["code"] == "MISO_ANSWER_INVALID"
    assert analyses.bills_of(interview) == [1]


def test_what_was_completed_is_neither_retried_nor_processed(analyses: Analyses):
    interview = analyses.prepare().interview
    analyses.wait(interview, "completed")
    with pytest.raises(UnderWay):
        process(analyses, interview)


def test_one_that_waits_for_long_is_told_once_and_fails_not(analyses: Analyses, tools: RunTools):
    del tools
    interview = analyses.upload()
    due = "update welno.interview_runs set due_at = now() - interval '7 minutes' where interview_id = :id"
    analyses.execute(due, id=interview.id)
    log = analyses.stack.home / "logs" / "sweeper.log"
    wait_until(lambda: b"interviews_wait_too_long" in log.read_bytes())
    sends = analyses.run(interview)["sends"]
    wait_until(lambda: analyses.run(interview)["sends"] > sends)  # rounds later
    assert log.read_bytes().count(b"interviews_wait_too_long") == 1
    assert analyses.row(interview)["status"] == "processing"


def test_one_that_nobody_took_within_a_day_is_stale(analyses: Analyses, tools: RunTools):
    del tools
    interview = analyses.upload()
    analyses.execute(
        "update welno.interview_runs set due_at = now() - interval '25 hours' where interview_id = :id", id=interview.id
    )
    assert analyses.wait(interview, "failed")["error"]["code"] == "STALE"


def test_without_a_key_an_analysis_fails_as_not_configured(analyses: Analyses, tools: RunTools, owner_id: int):
    interview = analyses.upload()
    go_through(tools, claim(analyses, tools, interview, owner_id))
    row = analyses.row(interview)
    assert (row["status"], row["error"]["code"]) == ("failed", "NOT_CONFIGURED")
    assert analyses.told(interview) == ["interview:added", "interview:failed"]


def test_a_step_that_breaks_each_time_is_poison(analyses: Analyses, tools: RunTools, owner_id: int):
    interview = analyses.upload()
    tries = 0
    while analyses.row(interview)["status"] == "processing":
        postpone(tools, claim(analyses, tools, interview, owner_id), ZeroDivisionError())
        analyses.execute("update welno.interview_runs set due_at = now() where interview_id = :id", id=interview.id)
        tries += 1
    assert (tries, analyses.row(interview)["error"]["code"]) == (4, "POISON")
    with analyses.as_member() as member:
        retry_interview(member, interview.id, max_characters=analyses.max_characters)
    assert analyses.run(interview)["takeovers"] == 0


def test_a_database_that_is_away_each_time_is_no_poison(analyses: Analyses, tools: RunTools, owner_id: int):
    interview = analyses.upload()
    for error in (OperationalError("", {}, Exception()), PoolTimeout(), UnsuitableDatabase(), StorageFault("full")):
        postpone(tools, claim(analyses, tools, interview, owner_id), error)
        analyses.execute("update welno.interview_runs set due_at = now() where interview_id = :id", id=interview.id)
    assert (analyses.run(interview)["takeovers"], analyses.row(interview)["status"]) == (0, "processing")


def test_a_statement_that_runs_out_of_time_each_time_is_poison_in_the_end(
    engine: Engine, analyses: Analyses, tools: RunTools, owner_id: int
):
    with engine.connect() as connection, pytest.raises(OperationalError) as out_of_time:
        connection.exec_driver_sql("set local statement_timeout = '1ms'; select pg_sleep(10)")
    interview = analyses.upload()
    tries = 0
    while analyses.row(interview)["status"] == "processing":
        postpone(tools, claim(analyses, tools, interview, owner_id), out_of_time.value)
        analyses.execute("update welno.interview_runs set due_at = now() where interview_id = :id", id=interview.id)
        tries += 1
    assert (tries, analyses.row(interview)["error"]["code"]) == (20, "POISON")


def test_a_workflow_of_a_run_that_is_poison_is_to_be_stopped(analyses: Analyses, tools: RunTools, owner_id: int):
    interview = analyses.upload()
    under_way = "step = 'analyse', called_at = now(), miso_user = 'u', miso_task_id = 't', takeovers = 19"
    analyses.execute(f"update welno.interview_runs set {under_way} where interview_id = :id", id=interview.id)
    postpone(tools, claim(analyses, tools, interview, owner_id), ZeroDivisionError())
    [call] = analyses.unsettled(interview)
    assert (analyses.run(interview)["state"], call["task_id"], call["miso_user"]) == ("ended", "t", "u")


def test_a_run_that_takes_its_process_down_each_time_is_poison(analyses: Analyses, tools: RunTools, owner_id: int):
    interview = analyses.upload()
    claim(analyses, tools, interview, owner_id)
    analyses.execute(
        "update welno.interview_runs set takeovers = 20, owner_id = 999999 where interview_id = :id", id=interview.id
    )
    assert analyses.wait(interview, "failed")["error"]["code"] == "POISON"


class RefusingDisk(Disk):
    """Full for so many files."""

    refusals = 3

    def fsync(self, handle: int) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.ENOSPC, "full")
        super().fsync(handle)


def test_a_disk_that_is_full_for_a_while_costs_no_second_call(
    analyses: Analyses, tools: RunTools, miso: MisoWorkflows, owner_id: int
):
    interview = analyses.prepare().interview
    held = do_step(tools, claim(analyses, tools, interview, owner_id))
    settings, disk = analyses.stores.settings, RefusingDisk()
    files = Spool(settings.files.data_dir, analyses.stores.sealer, clock, disk).interviews
    go_through(replace(tools, miso=miso, files=files), held)
    assert (analyses.row(interview)["status"], disk.refusals) == ("completed", 0)
    assert analyses.bills_of(interview) == [1]


def test_what_the_disk_refused_for_good_is_fetched_from_miso_again(
    analyses: Analyses, tools: RunTools, miso: MisoWorkflows, owner_id: int
):
    interview = analyses.prepare().interview
    held = do_step(tools, claim(analyses, tools, interview, owner_id))
    assert held is not None
    files = Spool(analyses.stores.settings.files.data_dir, analyses.stores.sealer, clock, RefusingDisk()).interviews
    stopping = iter([False])
    asking = replace(tools, miso=miso, files=files, is_stopping=lambda: next(stopping, True))
    with pytest.raises(StorageFault) as full:
        do_step(asking, held)
    postpone(tools, held, full.value)
    analyses.execute("update welno.interview_runs set due_at = now() where interview_id = :id", id=interview.id)
    go_through(replace(tools, miso=miso), claim(analyses, tools, interview, owner_id))
    assert (analyses.row(interview)["status"], analyses.bills_of(interview)) == ("completed", [1])


def fail_late(tools: RunTools, held: InterviewClaim) -> None:
    fail_attempt(tools, held, failure_of(AnalysisFault.MISO_ANSWER_LOST))


def break_late(tools: RunTools, held: InterviewClaim) -> None:
    postpone(tools, held, ZeroDivisionError())


@pytest.mark.parametrize("settle", [fail_late, break_late, hand_back])
def test_a_late_failure_overwrites_no_success(
    analyses: Analyses,
    tools: RunTools,
    miso: MisoWorkflows,
    owner_id: int,
    settle: Callable[[RunTools, InterviewClaim], None],
):
    interview = analyses.prepare().interview
    held = claim(analyses, tools, interview, owner_id)
    go_through(replace(tools, miso=miso), held)
    row, run, events = analyses.row(interview), analyses.run(interview), analyses.events(interview)
    assert row["status"] == "completed"
    with pytest.raises(RunOutdated):
        settle(tools, held)
    assert (analyses.row(interview), analyses.run(interview), analyses.events(interview)) == (row, run, events)
