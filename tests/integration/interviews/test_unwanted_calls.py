"""Calls whose answers got lost or are of no use, and those that nobody waits for any more: what they have used is asked
for until MISO tells."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from core.clock import clock
from services.interviews.changing import delete_interview, restore_interview, retry_interview
from services.interviews.miso_call import attempt_of
from services.interviews.run_tools import RunTools
from services.interviews.runs import RunOutdated, locked_run
from services.interviews.saving import note_late_usage
from services.interviews.stepping import do_step, postpone
from services.interviews.sweep import give_up_unsettled, send_unsettled
from services.interviews.unsettled_calls import settle_calls
from spool import StorageFault
from upstream.miso.answers import FoundRun, WorkflowAnswer
from upstream.miso.errors import MisoAnswerInvalid, MisoError
from upstream.miso.usage import UNKNOWN_USAGE, Usage
from upstream.miso.workflows import MisoWorkflows

from .analyses import Analyses, Uploaded, run_analyses
from .steps import CUT, claim, cut_and_delete, delete_by_mina, go_through, let_due, settle, tokens_of, wait_until_logged

Kind = TypeVar("Kind", bound=MisoWorkflows)
LOGS = "/ext/v1/workflows/logs"
DETAILS = "/ext/v1/workflows/run/"
# It runs, is billed and found in the logs; of its answer nothing can be read.
UNREADABLE = {"malformed": True, "while_running": True}


@pytest.fixture(scope="module")
def analyses(migrated_home: Path) -> Iterator[Analyses]:
    with run_analyses(migrated_home) as analyses:
        yield analyses


def upload_unconfirmed(analyses: Analyses, sends: int) -> Uploaded:
    """MISO does not say yet that its workflow has ended."""
    interview = analyses.upload()
    analyses.execute("update welno.interview_runs set state = 'ended' where interview_id = :id", id=interview.id)
    analyses.note_unsettled(interview, "t", str(interview.id), sends)
    return interview


@pytest.mark.usefixtures("owner_id")
@pytest.mark.parametrize(("passed", "queue_is_empty", "sends"), [(10, True, 5), (33, False, 5), (33, True, 6)], ids=str)
def test_a_stop_is_sent_again_after_its_pause_when_no_message_waits(
    analyses: Analyses, passed: int, queue_is_empty: bool, sends: int
):
    """Not at once, like a message that got lost, nor beside one that waits while the analysts are away."""
    interview = upload_unconfirmed(analyses, 5)
    with analyses.stores.unit_of_work() as work:
        send_unsettled(work, clock.now() + timedelta(seconds=passed), queue_is_empty=queue_is_empty)
    assert analyses.unsettled(interview)[0]["sends"] == sends


@pytest.mark.usefixtures("owner_id")
@pytest.mark.parametrize(("hours", "is_kept"), [(23, True), (25, False)])
def test_a_stop_is_given_up_by_its_age_however_often_it_was_sent(analyses: Analyses, hours: int, is_kept: bool):
    """The analysts may have been away meanwhile, so that MISO has not heard of it once."""
    interview = upload_unconfirmed(analyses, 50)
    with analyses.stores.unit_of_work() as work, capture_logs() as logged:
        give_up_unsettled(work, clock.now() + timedelta(hours=hours))
    told = {"event": "usage_never_told", "interview_id": str(interview.id), "log_level": "warning"}
    assert (bool(analyses.unsettled(interview)), told in logged) == (is_kept, not is_kept)


class DyingWorkflows(MisoWorkflows):
    """Its process dies when the answer is kept and not yet judged."""

    def run(self, *call: Any) -> WorkflowAnswer:
        with suppress(MisoError):
            super().run(*call)
        raise StorageFault("killed")


class SilentWorkflows(MisoWorkflows):
    """Its answers do not tell what they have used."""

    def run(self, *call: Any) -> WorkflowAnswer:
        return replace(super().run(*call), usage=UNKNOWN_USAGE)


class WatchedLogs(MisoWorkflows):
    """How often the logs were asked; the first `unreadable` times they are beyond our limits."""

    asked, unreadable = 0, 0

    def find_by_user(self, user: str, **seconds: float) -> FoundRun | None:
        self.asked += 1
        if self.asked <= self.unreadable:
            raise MisoAnswerInvalid(reason="too_large", http_status=200)
        return super().find_by_user(user, **seconds)


@pytest.fixture
def asking(tools: RunTools, miso: MisoWorkflows) -> RunTools:
    return replace(tools, miso=miso)


def connect(analyses: Analyses, kind: type[Kind]) -> Kind:
    settings = analyses.stores.settings.interviews
    return kind(settings.miso_api_url, settings.miso_api_key)


def count_invalid(analyses: Analyses) -> float:
    found = analyses.read("select total from welno.interview_counts where name = 'miso_calls' and label = 'invalid'")
    return sum(float(row["total"]) for row in found)


def test_what_a_kept_answer_cost_that_nobody_can_use_is_counted(analyses: Analyses, asking: RunTools, owner_id: int):
    """Whose process died before it was judged."""
    interview = analyses.prepare(**UNREADABLE).interview
    held = do_step(asking, claim(analyses, asking, interview, owner_id))
    assert held is not None
    with pytest.raises(StorageFault) as killed:
        do_step(replace(asking, miso=connect(analyses, DyingWorkflows)), held)
    postpone(asking, held, killed.value)
    let_due(analyses, interview)
    go_through(asking, claim(analyses, asking, interview, owner_id))
    assert analyses.row(interview)["error"]["code"] == "MISO_ANSWER_INVALID"
    settle(analyses, asking, interview)
    assert (tokens_of(analyses, interview) > 0, analyses.bills_of(interview)) == (True, [1])


def test_what_an_answer_cost_is_counted_also_when_the_logs_are_away_at_first(
    analyses: Analyses, asking: RunTools, owner_id: int
):
    """That the call was made and how it ended waits for no log."""
    interview, counted = analyses.prepare(**UNREADABLE).interview, count_invalid(analyses)
    away = analyses.fault(LOGS, status=503, calls=1)
    go_through(asking, claim(analyses, asking, interview, owner_id))
    assert analyses.row(interview)["error"]["code"] == "MISO_ANSWER_INVALID"
    assert (count_invalid(analyses), analyses.has_struck(away)) == (counted + 1, False)
    settle(analyses, asking, interview)
    assert (analyses.has_struck(away), tokens_of(analyses, interview) > 0) == (True, True)


def test_a_result_that_does_not_tell_what_it_cost_is_paid_by_the_logs(
    analyses: Analyses, asking: RunTools, owner_id: int
):
    interview = analyses.prepare().interview
    silent = replace(asking, miso=connect(analyses, SilentWorkflows))
    go_through(silent, claim(analyses, asking, interview, owner_id))
    assert (analyses.row(interview)["status"], tokens_of(analyses, interview)) == ("completed", 0)
    settle(analyses, asking, interview)
    assert tokens_of(analyses, interview) > 0


@pytest.mark.parametrize("end", ["deadline", "deletion"])
def test_what_a_blocking_call_uses_after_its_end_is_counted(
    analyses: Analyses, asking: RunTools, owner_id: int, end: str
):
    """It cannot be stopped, and is in the logs when the workflow has ended by itself."""
    interview = analyses.prepare(**CUT).interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    if end == "deletion":
        with analyses.as_member() as member:
            delete_interview(member, interview.id)
    else:
        let_due(analyses, interview, ", deadline_at = now()")
        go_through(asking, claim(analyses, asking, interview, owner_id))
        assert analyses.row(interview)["error"]["code"] == "MISO_ANSWER_LOST"
    settle(analyses, asking, interview)
    assert (tokens_of(analyses, interview) > 0, analyses.bills_of(interview)) == (True, [1])
    assert analyses.calls(path="/stop") == []


def test_a_call_that_miso_refused_is_asked_for_no_more(analyses: Analyses, asking: RunTools, owner_id: int):
    interview = analyses.prepare(status=400, code="invalid_param").interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    assert analyses.row(interview)["error"]["code"] == "MISO_REJECTED"
    assert analyses.unsettled(interview) == []


class DeletedWorkflows(MisoWorkflows):
    """While MISO answers, a person deletes the interview."""

    delete: Callable[[], object]

    def run(self, *call: Any) -> WorkflowAnswer:
        try:
            return super().run(*call)
        finally:
            self.delete()


@pytest.mark.parametrize("status", [400, 503])
def test_a_call_that_miso_refuses_after_its_interview_was_deleted_is_not_asked_for(
    analyses: Analyses, asking: RunTools, owner_id: int, status: int
):
    interview = analyses.prepare(status=status).interview
    seen: list[str] = []

    def delete() -> None:
        with analyses.as_member() as member:
            delete_interview(member, interview.id)
        seen.extend(call["miso_user"] for call in analyses.unsettled(interview))

    miso = connect(analyses, DeletedWorkflows)
    miso.delete = delete
    with pytest.raises(RunOutdated):
        go_through(replace(asking, miso=miso), claim(analyses, asking, interview, owner_id))
    assert (seen, analyses.unsettled(interview)) == ([analyses.run(interview)["miso_user"]], [])


def reserved_by(analyses: Analyses, interview: Uploaded) -> list[int]:
    """By its run, and by its call that is not settled yet."""
    return [row["reserved_tokens"] for row in (analyses.run(interview), *analyses.unsettled(interview))]


def test_what_an_answer_has_used_is_not_reserved_too_after_its_interview_was_deleted(
    analyses: Analyses, asking: RunTools, owner_id: int
):
    interview = analyses.prepare().interview
    seen: list[int] = []

    def delete() -> None:
        delete_by_mina(analyses, interview)
        seen.extend(reserved_by(analyses, interview))

    miso = connect(analyses, DeletedWorkflows)
    miso.delete = delete
    with pytest.raises(RunOutdated):
        go_through(replace(asking, miso=miso), claim(analyses, asking, interview, owner_id))
    assert (len(seen), min(seen) > 0, tokens_of(analyses, interview) > 0) == (2, True, True)
    assert reserved_by(analyses, interview) == [0, 0]


def test_what_the_logs_tell_is_not_reserved_too_while_the_answer_is_looked_for(
    analyses: Analyses, asking: RunTools, miso: MisoWorkflows, owner_id: int
):
    interview = analyses.prepare(**CUT | {"workflow_seconds": 0.1}).interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    wait_until_logged(analyses, miso, interview)
    away = analyses.fault(DETAILS, method="GET", status=503, calls=1)
    let_due(analyses, interview)
    go_through(asking, claim(analyses, asking, interview, owner_id))
    assert (analyses.has_struck(away), tokens_of(analyses, interview) > 0) == (True, True)
    assert (analyses.row(interview)["status"], reserved_by(analyses, interview)) == ("analyzing", [0])


def test_what_one_attempt_has_used_frees_no_reservation_of_another(analyses: Analyses, asking: RunTools, owner_id: int):
    interview = analyses.prepare(**CUT).interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    begin_again(analyses, interview)
    for attempt, reserved in ((3, [True, True]), (1, [True, False]), (2, [False, False])):
        with locked_run(analyses.stores.unit_of_work, analyses.world.food, interview.id) as held:
            note_late_usage(held, attempt, Usage(total_tokens=8), clock.now())
        assert [tokens > 0 for tokens in reserved_by(analyses, interview)] == reserved


def counted_in_all(analyses: Analyses) -> float:
    """Tokens, of all interviews together."""
    found = analyses.read("select total from welno.interview_counts where name = 'miso_tokens'")
    return sum(float(row["total"]) for row in found)


def test_logs_that_cannot_be_read_once_fail_no_analysis(
    analyses: Analyses, asking: RunTools, miso: MisoWorkflows, owner_id: int
):
    """They say nothing of the answer, which the next look finds."""
    interview = analyses.prepare(**CUT | {"workflow_seconds": 0.1}).interview
    watched = connect(analyses, WatchedLogs)
    watched.unreadable = 1
    looking = replace(asking, miso=watched)
    go_through(looking, claim(analyses, looking, interview, owner_id))
    wait_until_logged(analyses, miso, interview)
    let_due(analyses, interview)
    go_through(looking, claim(analyses, looking, interview, owner_id))
    assert (watched.asked, analyses.row(interview)["status"]) == (1, "analyzing")
    let_due(analyses, interview)
    go_through(looking, claim(analyses, looking, interview, owner_id))
    assert (watched.asked, analyses.row(interview)["status"]) == (2, "completed")


def test_logs_are_not_asked_what_is_known(analyses: Analyses, asking: RunTools, miso: MisoWorkflows, owner_id: int):
    """They have named the run whose details are too large, and told what it has used."""
    interview = analyses.prepare(**CUT | {"workflow_seconds": 0.1, "outputs": "huge"}).interview
    watched = connect(analyses, WatchedLogs)
    looking = replace(asking, miso=watched)
    go_through(looking, claim(analyses, looking, interview, owner_id))
    wait_until_logged(analyses, miso, interview)
    let_due(analyses, interview)
    go_through(looking, claim(analyses, looking, interview, owner_id))
    assert analyses.row(interview)["error"]["code"] == "MISO_ANSWER_INVALID"
    assert (watched.asked, analyses.unsettled(interview)) == (1, [])
    assert tokens_of(analyses, interview) > 0


def test_the_answer_that_a_look_has_read_is_the_one_that_is_used(
    analyses: Analyses, asking: RunTools, miso: MisoWorkflows, owner_id: int
):
    """A second request for the same details may be answered with a proxy's page. What has no status is no details."""
    interview = analyses.prepare(**CUT | {"workflow_seconds": 0.1}).interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    wait_until_logged(analyses, miso, interview)
    analyses.fault(DETAILS, method="GET", status=200, code="proxy", calls=1)
    for status in ("analyzing", "completed"):
        let_due(analyses, interview)
        go_through(asking, claim(analyses, asking, interview, owner_id))
        assert analyses.row(interview)["status"] == status
    logged = miso.find_by_user(analyses.run(interview)["miso_user"])
    assert logged is not None
    assert len(analyses.calls(path=DETAILS + logged.ids.run_id)) == 2  # one of each look


def begin_again(analyses: Analyses, interview: Uploaded) -> None:
    """While MISO has the call of the attempt before."""
    delete_by_mina(analyses, interview)
    with analyses.as_member() as member:
        restore_interview(member, interview.id, 30)
    with analyses.as_member() as member:
        retry_interview(member, interview.id, max_characters=analyses.max_characters)
    let_due(analyses, interview)


def costs_of(analyses: Analyses, interview: Uploaded) -> list[tuple[int, int, bool]]:
    costs = "select attempt, calls, tokens > 0 from welno.miso_costs where interview_id = :id order by attempt"
    return [tuple(row.values()) for row in analyses.read(costs, id=interview.id)]


def test_two_calls_of_one_interview_that_nobody_waits_for_are_both_counted(
    analyses: Analyses, asking: RunTools, owner_id: int
):
    interview = analyses.prepare(**CUT).interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    begin_again(analyses, interview)
    go_through(asking, claim(analyses, asking, interview, owner_id))
    delete_by_mina(analyses, interview)
    settle(analyses, asking, interview)
    assert costs_of(analyses, interview) == [(1, 1, True), (2, 1, True)]
    assert analyses.bills_of(interview) == [1, 1]


def test_a_refusal_forgets_its_own_call_and_no_other(analyses: Analyses, asking: RunTools, owner_id: int):
    interview = analyses.prepare(**CUT, calls=1, then={"status": 503}).interview
    go_through(asking, claim(analyses, asking, interview, owner_id))
    begin_again(analyses, interview)
    miso = connect(analyses, DeletedWorkflows)
    miso.delete = partial(delete_by_mina, analyses, interview)
    with pytest.raises(RunOutdated):
        go_through(replace(asking, miso=miso), claim(analyses, asking, interview, owner_id))
    assert [attempt_of(call["miso_user"]) for call in analyses.unsettled(interview)] == [1]


@pytest.fixture
def unsettled(analyses: Analyses, asking: RunTools, owner_id: int) -> Uploaded:
    return cut_and_delete(analyses, asking, owner_id)


class KilledWorkflows(MisoWorkflows):
    """Its process dies when MISO has told what the call has used."""

    def find_by_user(self, user: str, **seconds: float) -> FoundRun | None:
        assert super().find_by_user(user, **seconds) is not None
        raise StorageFault("killed")


def test_a_call_whose_settler_was_killed_is_settled_by_the_next_when_the_claim_has_ended(
    analyses: Analyses, asking: RunTools, unsettled: Uploaded
):
    before = counted_in_all(analyses)
    with pytest.raises(StorageFault):
        settle_calls(replace(asking, miso=connect(analyses, KilledWorkflows)), analyses.world.food, unsettled.id)
    watched = connect(analyses, WatchedLogs)
    settle_calls(replace(asking, miso=watched), analyses.world.food, unsettled.id)
    assert (watched.asked, len(analyses.unsettled(unsettled)), tokens_of(analyses, unsettled)) == (0, 1, 0)
    analyses.execute("update welno.interview_unsettled_calls set claimed_until = now()")
    settle_calls(replace(asking, miso=watched), analyses.world.food, unsettled.id)
    assert (watched.asked, analyses.unsettled(unsettled)) == (1, [])
    assert counted_in_all(analyses) - before == tokens_of(analyses, unsettled) > 0


class OvertakenWorkflows(MisoWorkflows):
    """While it is slow, another has taken its claim over, and settles the call."""

    settle: Callable[[], object]

    def find_by_user(self, user: str, **seconds: float) -> FoundRun | None:
        found = super().find_by_user(user, **seconds)
        self.settle()
        return found


def test_of_two_that_settle_a_call_one_counts_it(analyses: Analyses, asking: RunTools, unsettled: Uploaded):
    def settle_first() -> None:
        analyses.execute("update welno.interview_unsettled_calls set claimed_until = now()")
        settle_calls(asking, analyses.world.food, unsettled.id)

    before = counted_in_all(analyses)
    slow = connect(analyses, OvertakenWorkflows)
    slow.settle = settle_first
    settle_calls(replace(asking, miso=slow), analyses.world.food, unsettled.id)
    assert analyses.unsettled(unsettled) == []
    assert counted_in_all(analyses) - before == tokens_of(analyses, unsettled) > 0


def test_a_call_is_free_again_when_miso_does_not_tell_its_end(
    analyses: Analyses, asking: RunTools, unsettled: Uploaded
):
    away = analyses.fault(LOGS, status=503, calls=1)
    settle_calls(asking, analyses.world.food, unsettled.id)
    [call] = analyses.unsettled(unsettled)
    assert (analyses.has_struck(away), call["claimed_until"]) == (True, None)


def test_a_process_that_stops_settles_nothing(analyses: Analyses, asking: RunTools, unsettled: Uploaded):
    settle_calls(replace(asking, is_stopping=lambda: True), analyses.world.food, unsettled.id)
    assert len(analyses.unsettled(unsettled)) == 1


@pytest.mark.usefixtures("owner_id")
def test_each_call_is_given_up_by_its_own_age(analyses: Analyses):
    """Whatever becomes of its run meanwhile."""
    interview = analyses.upload()
    for hours in (23, 25):
        analyses.note_unsettled(interview, None, f"{interview.id}-{hours}")
        analyses.execute(
            f"update welno.interview_unsettled_calls set noted_at = now() - interval '{hours} hours'"
            " where miso_user = :user",
            user=f"{interview.id}-{hours}",
        )
    with analyses.stores.unit_of_work() as work:
        give_up_unsettled(work, clock.now())
    assert [call["miso_user"] for call in analyses.unsettled(interview)] == [f"{interview.id}-23"]


@pytest.mark.usefixtures("owner_id")
def test_a_call_that_is_sent_leaves_the_sends_of_its_run_alone(analyses: Analyses):
    interview = analyses.upload()
    before = analyses.run(interview)
    analyses.note_unsettled(interview, None, str(interview.id))
    with analyses.stores.unit_of_work() as work:
        send_unsettled(work, clock.now())
    [call] = analyses.unsettled(interview)
    assert (call["sends"], analyses.run(interview)) == (1, before)
