"""Every fault of MISO while the process that analyses is killed again and again: no attempt is billed twice, nothing is
told twice, and everything comes to an end."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import wait_until

from .analyses import Analyses, run_analyses
from .test_faults_of_miso import CASES, STREAMED, TIMEOUT, Seen

# After so many more calls have begun than at the kill before.
KILLS, SOME_KILLS = (0, 1, 2, 3, 4, 5), (0, 2, 5)
# Whoever dies with a call that was refused leaves a call that may have been billed: it is looked for, and not found.
LOST = {"MISO_ANSWER_LOST", "MISO_TIMEOUT"}
# Whoever was refused once is not asked again when the deaths have used up the time of the attempt.
NO_TIME_LEFT = "MISO_UNAVAILABLE"


@pytest.fixture(scope="module", params=["blocking", "streaming"])
def seen(request: pytest.FixtureRequest, migrated_home: Path, is_full: bool) -> Iterator[Seen]:
    settings = {"WELNO_MISO_MODE": request.param, "WELNO_MISO_TIMEOUT_SECONDS": str(TIMEOUT)}
    cases = CASES | (STREAMED if request.param == "streaming" else {})
    with run_analyses(migrated_home, **settings) as analyses:
        planned = {name: analyses.prepare(**case.fault) for name, case in cases.items()}
        for number in KILLS if is_full else SOME_KILLS:
            kill_at_work(analyses, number)
        yield Seen(analyses, planned, cases)


def kill_at_work(analyses: Analyses, number: int) -> None:
    called = len(analyses.calls())
    wait_until(lambda: len(analyses.calls()) > called + number or not running(analyses), 20)
    analyses.stack.kill("interviews", signal.SIGKILL)
    wait_until(lambda: not analyses.stack.is_running("interviews"))
    analyses.stack.start("interviews")


def running(analyses: Analyses) -> bool:
    return bool(analyses.read("select 1 from welno.interview_runs where state <> 'ended'"))


@pytest.mark.repeated
@pytest.mark.parametrize("name", list(CASES | STREAMED))
def test_an_analysis_ends_and_is_billed_once_whatever_dies(seen: Seen, name: str):
    if name not in seen.cases:
        pytest.skip("of streams only")
    case, interview = seen.cases[name], seen.planned[name].interview
    row = seen.analyses.wait(interview, "completed", "failed", timeout=60)
    billed = sum(seen.analyses.bills_of(interview))
    assert billed <= 1
    # What MISO has done and has in its log is found, whoever dies; what it has not done is never completed.
    is_found = case.code is None and billed == 1
    unfound = (LOST | {case.code}) - {None} | ({NO_TIME_LEFT} if case.fault.get("status") == 429 else set())
    if name in STREAMED and billed:  # its stream alone failed: who looks for it after a death finds it done
        unfound |= {None}
    expected = {None} if is_found else unfound
    assert (row["error"] or {}).get("code") in expected
    told = seen.analyses.told(interview)
    assert told[:-1] == ["interview:added", "analyzing"]
    assert told[-1] == f"interview:{row['status']}"
