"""Every fault of MISO, blocking and streamed: how the analysis ends, and that no attempt is billed twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.waiting import wait_until

from .analyses import Analyses, Planned, Uploaded, run_analyses

# Long enough for three tries; the deadline lies 10 s later.
TIMEOUT = 8.0


class Case(NamedTuple):
    """`code` None: completed."""

    fault: dict[str, Any]
    code: str | None = None
    billed: int = 1
    status: int | None = None


BEHIND = {"while_running": True, "workflow_seconds": 1}
CASES = {
    "none": Case({}),
    **{f"outputs_{shape}": Case({"outputs": shape}) for shape in ("json", "json_text", "double", "fenced")},
    "outputs_top_level": Case({"outputs": "top_level"}),
    "outputs_iso_times": Case({"outputs": "iso_times"}),
    "outputs_missing": Case({"outputs": "missing:key_takeaways"}),
    **{
        f"outputs_{shape}": Case({"outputs": shape}, "MISO_ANSWER_INVALID")
        for shape in ("null", "truncated", "not_json", "huge", "deep")
    },
    **{
        f"workflow_{status}": Case({"workflow_status": status}, "MISO_WORKFLOW_FAILED")
        for status in ("failed", "stopped", "partial-succeeded", "running")
    },
    "rejected": Case({"status": 400, "code": "invalid_param"}, "MISO_REJECTED", 0, 400),
    "unauthorized": Case({"status": 401, "code": "unauthorized"}, "MISO_REJECTED", 0, 401),
    "unknown": Case({"status": 404}, "MISO_REJECTED", 0, 404),
    "busy_once": Case({"status": 429, "calls": 1}, None, 1),
    "busy_for_a_second": Case({"status": 429, "calls": 1, "headers": {"Retry-After": "2"}}),
    "busy_then_cut": Case({"status": 429, "calls": 1, "then": {"cut": "before"}}, "MISO_ANSWER_LOST", 0),
    "busy_for_long": Case({"status": 429, "headers": {"Retry-After": "60"}}, "MISO_UNAVAILABLE", 0, 429),
    "busy_always": Case({"status": 503}, "MISO_UNAVAILABLE", 0, 503),
    "gateway_behind": Case({"status": 502} | BEHIND),
    "gateway_html_behind": Case({"status": 504, "html": True} | BEHIND),
    "gateway": Case({"status": 502}, "MISO_ANSWER_LOST", 0, 502),
    "server_failed_behind": Case({"status": 500} | BEHIND),
    "server_failed": Case({"status": 500, "code": "internal_server_error"}, "MISO_UNAVAILABLE", 0, 500),
    "cut_behind": Case({"cut": "before"} | BEHIND),
    "huge_behind": Case({"cut": "before", "outputs": "huge"} | BEHIND, "MISO_ANSWER_INVALID"),
    "unreadable_behind": Case({"cut": "before", "outputs": "deep"} | BEHIND, "MISO_ANSWER_LOST"),
    "cut_before": Case({"cut": "before"}, "MISO_ANSWER_LOST", 0),
    "cut_during": Case({"cut": "during"}),
    "broken_json": Case({"malformed": True}, "MISO_ANSWER_INVALID", 0),
    "held_before": Case({"hold": "before", "hold_seconds": 40}, "MISO_ANSWER_LOST", 0),
    "held_after": Case({"hold": "after", "hold_seconds": 40}),
    "late": Case({"workflow_seconds": TIMEOUT + 3}),
    # The logs have finished runs alone, and nobody knows its id.
    "too_late": Case({"workflow_seconds": 60}, "MISO_ANSWER_LOST"),
    "slow_bytes": Case({"chunk_delay_seconds": 0.1}),
}
STREAMED = {
    "too_late": Case({"workflow_seconds": 60}, "MISO_TIMEOUT"),
    "error_event": Case({"error_after_chunks": 2}, "MISO_WORKFLOW_FAILED", 1, 400),
    **{f"cut_after_{chunks}": Case({"cut_after_chunks": chunks}) for chunks in (1, 3)},
    # No event came, so the workflow may be running; it is looked for.
    "broken_json": Case({"malformed": True}, "MISO_ANSWER_LOST", 0),
}


class Seen(NamedTuple):
    analyses: Analyses
    planned: dict[str, Planned]
    cases: dict[str, Case]


@pytest.fixture(scope="module", params=["blocking", "streaming"])
def seen(request: pytest.FixtureRequest, migrated_home: Path) -> Iterator[Seen]:
    """All at once: most of them only wait."""
    settings = {"WELNO_MISO_MODE": request.param, "WELNO_MISO_TIMEOUT_SECONDS": str(TIMEOUT)}
    cases = CASES | (STREAMED if request.param == "streaming" else {})
    with run_analyses(migrated_home, **settings) as analyses:
        yield Seen(analyses, {name: analyses.prepare(**case.fault) for name, case in cases.items()}, cases)


@pytest.mark.parametrize("name", list(CASES | STREAMED))
def test_an_analysis_ends_as_its_fault_says_and_is_billed_once(seen: Seen, name: str):
    if name not in seen.cases:
        pytest.skip("of streams only")
    case, interview = seen.cases[name], seen.planned[name].interview
    row = seen.analyses.wait(interview, "completed", "failed", timeout=60)
    error = row["error"] or {}
    bills = seen.analyses.bills_of(interview)
    assert (error.get("code"), error.get("response_status")) == (case.code, case.status)
    assert bills == [case.billed]
    assert seen.analyses.told(interview) == [
        "interview:added",
        "analyzing",
        "interview:failed" if case.code else "interview:completed",
    ]
    if not case.billed:
        assert tokens_of(seen.analyses, interview) == 0
    elif name not in {"too_late", "workflow_running"}:  # of what runs on MISO cannot tell yet
        wait_until(lambda: tokens_of(seen.analyses, interview), 30)
    if not case.code:
        assert interview.word in str(row["cleaned_script"])


def tokens_of(analyses: Analyses, interview: Uploaded) -> int:
    [cost] = analyses.read("select tokens from welno.miso_costs where interview_id = :id", id=interview.id)
    tokens: int = cost["tokens"]
    return tokens
