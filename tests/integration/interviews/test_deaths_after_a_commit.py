"""Processes that die between a commit and what was to follow it, or with an answer that is not yet on the disk."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy.exc import OperationalError

from core.clock import clock
from core.names import project_subject
from services.interviews.erasure import ErasureTools, erase_as_member
from services.interviews.files import answer_name
from services.interviews.insights import start_persona
from services.interviews.retention import drop_strays
from streams.keys import channel
from tests.waiting import wait_until

from .analyses import CALLS, WHOLE, Analyses, Uploaded, run_analyses
from .run_gates import ERASED, build_gates, is_committed, kill_committer, shut_commit_gate

MADE = "select 1 from welno.insights where id = :id and status = 'completed'"


# What does not depend on how MISO is called is tried in one way.
BLOCKING, BOTH = (
    pytest.mark.parametrize("started", modes, indirect=True) for modes in (["blocking"], ["blocking", "streaming"])
)


@pytest.fixture(scope="module")
def started(request: pytest.FixtureRequest, migrated_home: Path) -> Iterator[Analyses]:
    settings = {"WELNO_MISO_MODE": request.param, "WELNO_MISO_TIMEOUT_SECONDS": "20"}
    with run_analyses(migrated_home, **settings) as analyses:
        build_gates(analyses.engine)
        yield analyses


@pytest.fixture
def analyses(started: Analyses) -> Analyses:
    """With its process, whatever the test before has done to it."""
    started.stack.start("interviews")
    return started


def kill_after(analyses: Analyses, moment: str) -> Uploaded:
    with shut_commit_gate(analyses, moment, analyses.upload) as interview:
        wait_until(lambda: is_committed(analyses), 30)
        analyses.kill()
    analyses.stack.start("interviews")
    return interview


@pytest.mark.parametrize(
    ("started", "moment"),
    [("blocking", "extracted"), ("blocking", "prepared"), ("streaming", "started"), ("blocking", "saved")],
    indirect=["started"],
)
def test_what_was_committed_is_gone_on_from(analyses: Analyses, moment: str):
    analyses.assert_whole(kill_after(analyses, moment))


@BOTH
def test_a_call_that_was_noted_and_never_left_is_lost_and_not_billed(analyses: Analyses):
    """Nobody can know that it did not leave, so nobody asks again."""
    interview = kill_after(analyses, "called")
    wait_until(lambda: analyses.run(interview)["state"] == "ready" and analyses.run(interview)["called_at"])
    analyses.execute("update welno.interview_runs set deadline_at = now() where interview_id = :id", id=interview.id)
    row = analyses.wait(interview, "completed", "failed", timeout=20)
    assert (row["status"], row["error"]["code"]) == ("failed", "MISO_ANSWER_LOST")
    assert analyses.told(interview) == [*WHOLE[:2], "interview:failed"]
    assert analyses.runs_of(interview) == []
    assert analyses.read(CALLS, id=interview.id) == [{"calls": 1}]


@BOTH
def test_an_answer_that_came_and_was_not_yet_kept_is_found(analyses: Analyses):
    planned = analyses.prepare(hold="after", hold_seconds=30)
    wait_until(lambda: analyses.held(planned.fault_id))
    folder = analyses.files.storage.root / "interviews" / str(planned.interview.id)
    aside = folder.rename(analyses.files.storage.root / f"aside-{folder.name}")
    folder.touch()  # what is no folder takes no file
    log = analyses.stack.home / "logs" / "interviews.log"
    analyses.release(planned.fault_id)
    wait_until(lambda: is_logged(log, "miso_answer_not_on_disk", planned.interview))
    analyses.kill()
    folder.unlink()
    aside.rename(folder)
    assert answer_name(1) not in analyses.files.names(planned.interview.id)
    analyses.stack.start("interviews")
    analyses.assert_whole(planned.interview)


def is_logged(log: Path, event: str, interview: Uploaded) -> bool:
    return any(event in line and str(interview.id) in line for line in log.read_text().splitlines())


@BLOCKING
def test_a_result_whose_process_died_before_it_was_told_is_told_once(analyses: Analyses):
    subject = project_subject(analyses.world.food)
    with analyses.stores.redis.pubsub(ignore_subscribe_messages=True) as following:
        following.subscribe(channel(subject))
        interview = kill_after(analyses, "saved")
        # Whatever were told of it twice would be before the end of the next.
        following_one = analyses.upload()
        heard: list[dict[str, Any]] = []

        def hear_end(of: Uploaded) -> bool:
            while message := following.get_message(timeout=0.1):
                heard.append(orjson.loads(message["data"].partition(b" ")[2]))
            return any(one["type"] == WHOLE[-1] and str(of.id) in str(one) for one in heard)

        wait_until(lambda: hear_end(interview) and hear_end(following_one), 40)
    told = ["interview:added", "interview:status_changed", "interview:completed"]
    assert [one["type"] for one in heard if str(interview.id) in str(one)] == told
    kept = [one.body for one in analyses.stores.streams.read_after(subject, 0).events]
    assert [body["type"] for body in kept if str(interview.id) in str(body)] == told


def erase(analyses: Analyses, interview: Uploaded) -> dict[str, int]:
    """As the route does."""
    here = analyses.stores
    tools = ErasureTools(here.unit_of_work, here.sender.forget, analyses.files)
    return erase_as_member(tools, here.member_work, analyses.world.people["mina"], interview.id)


@BLOCKING
def test_files_of_an_erasure_that_died_after_its_commit_are_strays(analyses: Analyses):
    """The interview's, and those of a persona that was made of it."""
    interview = analyses.upload()
    analyses.wait(interview, "completed", timeout=40)
    with analyses.as_member() as member:
        persona = UUID(
            start_persona(member, analyses.world.food, [interview.id], max_characters=analyses.max_characters)["id"]
        )
    wait_until(lambda: analyses.read(MADE, id=persona), 20)
    outcomes: list[object] = []

    def die_erasing() -> None:
        try:
            outcomes.append(erase(analyses, interview))
        except OperationalError as exc:
            outcomes.append(type(exc))

    with shut_commit_gate(analyses, ERASED, lambda: interview):
        erasing = threading.Thread(target=die_erasing)
        erasing.start()
        kill_committer(analyses)
        erasing.join(10)
    assert (erasing.is_alive(), outcomes) == (False, [OperationalError])
    wait_until(lambda: analyses.row(interview)["erased_at"])
    assert all(map(analyses.files.names, (interview.id, persona)))
    drop_strays(analyses.stores.unit_of_work, analyses.files, clock.now() + timedelta(days=2))
    assert [analyses.files.names(owner) for owner in (interview.id, persona)] == [[], []]


@BLOCKING
def test_a_redis_that_was_away_from_an_erasure_forgets_later_what_was_told(analyses: Analyses):
    here, subject = analyses.stores, project_subject(analyses.world.food)
    interview = analyses.upload(file=("지울 제목.txt", b"Q: ?"))

    def told_in_redis() -> str:
        return str([one.body for one in here.streams.read_after(subject, 0).events])

    analyses.wait(interview, "completed", timeout=40)
    wait_until(lambda: "지울 제목" in told_in_redis())
    analyses.stack.stop("valkey")
    assert erase(analyses, interview)["texts"] == 1
    assert analyses.files.names(interview.id) == []
    analyses.stack.stop("sweeper")
    analyses.stack.start("valkey")
    assert "지울 제목" in told_in_redis()
    analyses.stack.start("sweeper")
    wait_until(lambda: "지울 제목" not in told_in_redis())
    assert here.sender.fill(subject)
    assert str(interview.id) in told_in_redis()
    assert "지울 제목" not in told_in_redis()
