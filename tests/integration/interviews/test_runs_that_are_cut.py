"""Processes that die, hang or stop, people who delete, restore and retry: at each step of a run."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.local.health import answers
from dev.local.programs import interviews_program
from services.interviews.changing import delete_interview, restore_interview, retry_interview
from services.interviews.erasure import ErasureTools, erase_as_member
from services.interviews.errors import NotFailed
from tests.waiting import wait_until

from .analyses import RUN, WHOLE, Analyses, Uploaded, run_analyses
from .run_gates import MOMENTS, build_gates, is_held, is_next, shut_gate

KEEP_DAYS = 30
LOGS = "/ext/v1/workflows/logs"
TOKENS = "select attempt, tokens from welno.miso_costs where interview_id = :id order by attempt"
# Before the call and after its answer nothing knows whether it is streamed.
SAME_IN_BOTH_MODES = {"extracted", "prepared", "saved"}
# Of one that is deleted then: before the call nothing is, and of a call that has just been noted nobody knows.
BILLED: dict[str, tuple[list[int], ...]] = {
    "extracted": ([],),
    "prepared": ([],),
    "called": ([], [0], [1]),
    "started": ([1],),
    "saved": ([1],),
}


@pytest.fixture(scope="module", params=["blocking", "streaming"])
def started(request: pytest.FixtureRequest, migrated_home: Path) -> Iterator[Analyses]:
    settings = {"WELNO_MISO_MODE": request.param, "WELNO_MISO_TIMEOUT_SECONDS": "20"}
    with run_analyses(migrated_home, **settings) as analyses:
        build_gates(analyses.engine)
        yield analyses


@pytest.fixture
def once(started: Analyses, is_full: bool) -> None:
    """What is the same in both modes is done in one of them, and with --full in both."""
    if is_streaming(started) and not is_full:
        pytest.skip("done in blocking mode")


@pytest.fixture
def of_moment(started: Analyses, moment: str, request: pytest.FixtureRequest) -> str:
    if moment == "started" and not is_streaming(started):
        pytest.skip("of streams only")
    if moment in SAME_IN_BOTH_MODES:
        request.getfixturevalue("once")
    return moment


@pytest.fixture
def analyses(started: Analyses) -> Analyses:
    """With its process, whatever the test before has done to it."""
    started.stack.start("interviews")
    return started


def is_streaming(analyses: Analyses) -> bool:
    return analyses.stack.env["WELNO_MISO_MODE"] == "streaming"


@pytest.mark.repeated
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_that_is_killed_at_any_moment_costs_nothing_twice(analyses: Analyses, of_moment: str):
    with shut_gate(analyses, of_moment) as interview:
        wait_until(lambda: is_held(analyses))
        analyses.kill()
    analyses.stack.start("interviews")
    analyses.assert_whole(interview)


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_ends_while_miso_works_hands_over(analyses: Analyses, sig: signal.Signals):
    planned = analyses.prepare(workflow_seconds=4)
    wait_until(lambda: analyses.runs_of(planned.interview))
    began = time.monotonic()
    analyses.stack.kill("interviews", sig)
    wait_until(lambda: not analyses.stack.is_running("interviews"), 12)
    assert time.monotonic() - began < 10
    if sig == signal.SIGTERM:
        assert analyses.stack.exit_code("interviews") == 0
        assert analyses.run(planned.interview)["state"] == "ready"
    analyses.stack.start("interviews")
    analyses.assert_whole(planned.interview)


def test_a_process_that_wakes_up_changes_nothing(analyses: Analyses):
    """Its answer comes when another process has long found the same one."""
    planned = analyses.prepare(hold="after", hold_seconds=30)
    wait_until(lambda: analyses.held(planned.fault_id))
    analyses.stack.add(interviews_program("other"))
    analyses.stack.kill("interviews", signal.SIGSTOP)
    analyses.stack.start("other")
    try:
        analyses.assert_whole(planned.interview)
        fence = analyses.run(planned.interview)["fence"]
        analyses.release(planned.fault_id)
        analyses.stack.kill("interviews", signal.SIGCONT)
        log = analyses.stack.home / "logs" / "interviews.log"
        wait_until(lambda: b"interview_moved_on" in log.read_bytes(), 20)
    finally:
        analyses.stack.stop("other")
    assert (analyses.told(planned.interview), analyses.bills_of(planned.interview)) == (WHOLE, [1])
    assert analyses.run(planned.interview)["fence"] == fence


@pytest.mark.repeated
@pytest.mark.parametrize("moment", MOMENTS)
def test_one_that_is_deleted_at_any_moment_is_told_no_more_of(analyses: Analyses, of_moment: str):
    with shut_gate(analyses, of_moment) as interview:
        wait_until(lambda: is_held(analyses))
        deleting = threading.Thread(target=delete, args=(analyses, interview))
        deleting.start()
        wait_until(lambda: is_next(analyses))
    deleting.join(10)
    assert not deleting.is_alive()
    told = analyses.told(interview)
    assert told[-1] == "interview:deleted"
    # What was saved in the very moment before counts.
    assert "interview:completed" not in told or of_moment == "saved"
    wait_until(lambda: analyses.run(interview)["state"] == "ended")
    assert analyses.bills_of(interview) in BILLED[of_moment]


def delete(analyses: Analyses, interview: Uploaded) -> None:
    with analyses.as_member() as member:
        delete_interview(member, interview.id)


@pytest.mark.repeated
@pytest.mark.parametrize("moment", ["extracted", "saved"])
def test_of_one_that_is_erased_meanwhile_nothing_stays(analyses: Analyses, of_moment: str):
    with shut_gate(analyses, of_moment) as interview:
        wait_until(lambda: is_held(analyses))
        erasing = threading.Thread(target=erase, args=(analyses, interview))
        erasing.start()
        wait_until(lambda: is_next(analyses))
    erasing.join(10)
    assert not erasing.is_alive()
    wait_until(lambda: analyses.files.names(interview.id) == [])
    row = analyses.row(interview)
    assert (row["masked_text"], row["cleaned_script"], row["erased_at"] is None) == (None, None, False)


def test_an_answer_that_comes_after_the_erasure_is_dropped(analyses: Analyses):
    planned = analyses.prepare(hold="after", hold_seconds=30)
    wait_until(lambda: analyses.held(planned.fault_id))
    erase(analyses, planned.interview)
    analyses.release(planned.fault_id)
    log = analyses.stack.home / "logs" / "interviews.log"
    moved_on = f'"interview_id":"{planned.interview.id}"'
    wait_until(lambda: [one for one in log.read_text().splitlines() if moved_on in one and "interview_moved_on" in one])
    wait_until(lambda: analyses.files.names(planned.interview.id) == [])


def erase(analyses: Analyses, interview: Uploaded) -> None:
    """As the route does."""
    here = analyses.stores
    tools = ErasureTools(here.unit_of_work, here.sender.forget, analyses.files)
    erase_as_member(tools, here.member_work, analyses.world.people["mina"], interview.id)


def test_a_workflow_that_is_not_wanted_any_more_is_stopped_where_it_can_be(analyses: Analyses):
    planned = analyses.prepare(workflow_seconds=60)
    interview = planned.interview
    wait_until(lambda: analyses.runs_of(interview))
    if not is_streaming(analyses):
        delete(analyses, interview)
        assert analyses.told(interview)[-1] == "interview:deleted"
        return
    wait_until(lambda: analyses.run(interview)["miso_task_id"])
    delete(analyses, interview)
    wait_until(lambda: analyses.runs_of(interview)[0]["stopped"])
    wait_until_settled(analyses, interview)


def test_a_workflow_is_stopped_also_by_who_comes_after(analyses: Analyses):
    if not is_streaming(analyses):
        pytest.skip("of streams only")
    interview = analyses.prepare(workflow_seconds=60).interview
    wait_until(lambda: analyses.run(interview)["miso_task_id"])
    analyses.kill()
    delete(analyses, interview)
    analyses.stack.start("interviews")
    wait_until(lambda: analyses.runs_of(interview)[0]["stopped"], 30)
    wait_until_settled(analyses, interview)


def wait_until_settled(analyses: Analyses, interview: Uploaded) -> None:
    """Nobody but MISO knows what it has used, and that only when it has really ended."""
    wait_until(lambda: not analyses.unsettled(interview), 60)
    cost = analyses.read(TOKENS, id=interview.id)[0]
    assert (cost["attempt"], cost["tokens"] > 0) == (1, True)


def test_a_stop_that_miso_does_not_take_is_tried_again(analyses: Analyses):
    if not is_streaming(analyses):
        pytest.skip("of streams only")
    interview = analyses.prepare(workflow_seconds=60).interview
    wait_until(lambda: analyses.run(interview)["miso_task_id"], 30)
    analyses.kill()
    refused = [analyses.fault(path, status=503, calls=1) for path in ("/stop", LOGS)]
    delete(analyses, interview)
    analyses.stack.start("interviews")
    wait_until_settled(analyses, interview)
    assert all(map(analyses.has_struck, refused))
    assert analyses.runs_of(interview)[0]["stopped"]


def test_what_a_workflow_has_used_until_its_stop_is_of_its_own_attempt(analyses: Analyses):
    """Also when the next one has begun, and ended, before MISO says so."""
    if not is_streaming(analyses):
        pytest.skip("of streams only")
    interview = analyses.prepare(workflow_seconds=60, calls=1).interview
    wait_until(lambda: analyses.run(interview)["miso_task_id"], 30)
    analyses.kill()
    delete(analyses, interview)
    with analyses.as_member() as member:
        restore_interview(member, interview.id, KEEP_DAYS)
    with analyses.as_member() as member:
        retry_interview(member, interview.id, max_characters=analyses.max_characters)
    analyses.stack.start("interviews")
    analyses.wait(interview, "completed", timeout=40)
    wait_until(lambda: not analyses.unsettled(interview), 60)
    costs = [(cost["attempt"], cost["tokens"] > 0) for cost in analyses.read(TOKENS, id=interview.id)]
    assert (costs, analyses.bills_of(interview)) == ([(1, True), (2, True)], [1, 1])


@pytest.mark.parametrize("is_killed", [False, True], ids=["alive", "killed"])
def test_two_workflows_of_one_interview_are_both_stopped_and_counted(analyses: Analyses, is_killed: bool):
    """MISO has both, and takes the first stop and tells the first end of neither at once."""
    if not is_streaming(analyses):
        pytest.skip("of streams only")
    interview = analyses.prepare(workflow_seconds=60).interview
    wait_until(lambda: analyses.run(interview)["miso_task_id"], 30)
    refused = [analyses.fault(path, status=503, calls=2) for path in ("/stop", LOGS)]
    delete(analyses, interview)
    with analyses.as_member() as member:
        restore_interview(member, interview.id, KEEP_DAYS)
    with analyses.as_member() as member:
        retry_interview(member, interview.id, max_characters=analyses.max_characters)
    wait_until(lambda: analyses.run(interview)["attempt"] == 2 and analyses.run(interview)["miso_task_id"], 30)
    if is_killed:
        analyses.kill()
    delete(analyses, interview)
    analyses.stack.start("interviews")
    wait_until(lambda: not analyses.unsettled(interview), 60)
    assert [call["stopped"] for call in analyses.runs_of(interview)] == [True, True]
    assert all(map(analyses.has_struck, refused))
    costs = [(cost["attempt"], cost["tokens"] > 0) for cost in analyses.read(TOKENS, id=interview.id)]
    assert (costs, analyses.bills_of(interview)) == ([(1, True), (2, True)], [1, 1])


@pytest.mark.parametrize("then", ["deleted", "retried"])
def test_a_workflow_that_begins_when_nobody_wants_it_any_more_is_stopped_and_counted(analyses: Analyses, then: str):
    """Who waited for it has not heard its id, and MISO does not take the first stop."""
    if not is_streaming(analyses):
        pytest.skip("of streams only")
    planned = analyses.prepare(hold="before", hold_seconds=60, workflow_seconds=60, calls=1)
    interview = planned.interview
    wait_until(lambda: analyses.held(planned.fault_id), 30)
    delete(analyses, interview)
    if then == "retried":
        with analyses.as_member() as member:
            restore_interview(member, interview.id, KEEP_DAYS)
        with analyses.as_member() as member:
            retry_interview(member, interview.id, max_characters=analyses.max_characters)
        analyses.wait(interview, "completed", timeout=40)
    refused = analyses.fault("/stop", status=503, calls=1)
    analyses.release(planned.fault_id)
    wait_until(lambda: analyses.runs_of(interview)[0]["stopped"], 30)
    assert analyses.has_struck(refused)
    wait_until_settled(analyses, interview)


def test_a_workflow_whose_run_is_given_up_is_stopped(analyses: Analyses):
    """Taken by what has taken its process down too often."""
    if not is_streaming(analyses):
        pytest.skip("of streams only")
    interview = analyses.prepare(workflow_seconds=60).interview
    wait_until(lambda: analyses.run(interview)["miso_task_id"])
    analyses.execute("update welno.interview_runs set takeovers = 20 where interview_id = :id", id=interview.id)
    analyses.kill()
    assert analyses.wait(interview, "failed")["error"]["code"] == "POISON"
    analyses.stack.start("interviews")
    wait_until(lambda: analyses.runs_of(interview)[0]["stopped"], 30)
    wait_until_settled(analyses, interview)


def test_one_that_was_under_way_comes_back_as_failed_and_is_done_on_retry(analyses: Analyses):
    planned = analyses.prepare(workflow_seconds=60, calls=1)
    interview = planned.interview
    wait_until(lambda: analyses.runs_of(interview))
    delete(analyses, interview)
    with analyses.as_member() as member:
        restore_interview(member, interview.id, KEEP_DAYS)
    assert (analyses.row(interview)["status"], analyses.row(interview)["error"]["code"]) == ("failed", "CANCELLED")
    with analyses.as_member("jun") as member:
        assert retry_interview(member, interview.id, max_characters=analyses.max_characters) == 2
    row = analyses.wait(interview, "completed")
    assert (row["attempt"], analyses.bills_of(interview)) == (2, [1, 1])
    assert analyses.told(interview) == [
        "interview:added",
        "analyzing",
        "interview:deleted",
        "interview:added",
        "processing",
        "analyzing",
        "interview:completed",
    ]


@pytest.mark.repeated
@pytest.mark.usefixtures("once")
def test_of_two_retries_at_once_one_wins(analyses: Analyses):
    interview = analyses.prepare(status=400, code="invalid_param", calls=1).interview
    analyses.wait(interview, "failed")
    extracted = extractions(analyses)
    outcomes: list[object] = []

    def retry(name: str) -> None:
        try:
            with analyses.as_member(name) as member:
                outcomes.append(retry_interview(member, interview.id, max_characters=analyses.max_characters))
        except NotFailed:
            outcomes.append(None)

    people = [threading.Thread(target=retry, args=(name,)) for name in ("mina", "jun")]
    for one in people:
        one.start()
    for one in people:
        one.join(10)
    assert not any(one.is_alive() for one in people)
    assert sorted(outcomes, key=str) == [2, None]
    assert analyses.wait(interview, "completed")["attempt"] == 2
    assert analyses.bills_of(interview) == [0, 1]
    assert extractions(analyses) == extracted


def extractions(analyses: Analyses) -> float:
    [row] = analyses.read("select total from welno.interview_counts where label = 'text_field/done'")
    total: float = row["total"]
    return total


@pytest.mark.repeated
@pytest.mark.usefixtures("once")
def test_a_broker_that_is_down_delays_and_loses_nothing(analyses: Analyses):
    analyses.stack.stop("valkey")
    interview = analyses.upload()
    assert analyses.row(interview)["status"] == "processing"
    analyses.stack.start("valkey")
    analyses.assert_whole(interview)


def test_miso_that_is_not_there_is_asked_again(analyses: Analyses):
    analyses.stack.stop("sandbox")
    interview = analyses.upload()
    wait_until(lambda: analyses.run(interview)["tries"])
    analyses.stack.start("sandbox")
    wait_until(lambda: answers(analyses.stack.programs["sandbox"].health_url or ""))
    analyses.wait(interview, "completed")
    assert analyses.bills_of(interview) == [1]
    assert RUN in analyses.runs_of(interview)[0]["path"]


def test_a_refusal_of_before_says_nothing_of_the_call_that_follows(analyses: Analyses):
    """Whose process may die: then it is this call that got lost."""
    planned = analyses.prepare(status=429, calls=1, then={"hold": "before", "hold_seconds": 30})
    interview = planned.interview
    wait_until(lambda: analyses.run(interview)["tries"] == 1 and analyses.run(interview)["called_at"], 30)
    assert analyses.run(interview)["lost"] is None
    delete(analyses, interview)
