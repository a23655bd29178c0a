"""What each error of MISO comes to in the end."""

import pytest

from services.interviews.analysis_failures import (
    FAILURES,
    AnalysisFailure,
    AnalysisFault,
    failure_of,
    failure_of_miso,
    file_failure,
    read_failure,
)
from services.interviews.extraction.failures import FileFault, FileUnusable
from upstream.miso import errors


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (errors.MisoUnreached(reason="unreachable"), "MISO_UNAVAILABLE", None),
        (errors.MisoBusy(http_status=429), "MISO_UNAVAILABLE", 429),
        (errors.MisoServerFailed(http_status=500), "MISO_UNAVAILABLE", 500),
        (errors.MisoAnswerLost(http_status=504), "MISO_ANSWER_LOST", 504),
        (errors.MisoAnswerLost(reason="broken_response"), "MISO_ANSWER_LOST", None),
        (errors.MisoAnswerLost(reason="timed_out"), "MISO_ANSWER_LOST", None),
        (errors.MisoRejected(http_status=400), "MISO_REJECTED", 400),
        (errors.MisoMisconfigured(http_status=401), "MISO_REJECTED", 401),
        (errors.MisoWorkflowFailed(reason="failed", http_status=200), "MISO_WORKFLOW_FAILED", None),
        (errors.MisoAnswerInvalid(reason="not_json", http_status=200), "MISO_ANSWER_INVALID", None),
    ],
)
def test_each_error_of_miso_has_its_code(error: errors.MisoError, code: str, status: int | None):
    failure = failure_of_miso(error)
    assert (failure.code, failure.response_status) == (code, status)


@pytest.mark.parametrize("fault", list(AnalysisFault))
def test_each_code_has_a_sentence_for_the_person(fault: AnalysisFault):
    assert failure_of(fault).message.endswith("요.")


def test_the_reference_has_every_code_of_a_failed_one():
    assert list(FAILURES) == [*FileFault, *AnalysisFault]


def test_what_the_provider_said_goes_along():
    failure = failure_of_miso(errors.MisoRejected(http_status=400, provider_code="invalid_param"))
    assert failure.describe().keys() == {"code", "message", "response_status", "provider_code"}
    assert read_failure(failure.describe()) == failure


def test_a_call_of_which_nothing_is_known_is_a_lost_answer():
    assert read_failure(None).code == "MISO_ANSWER_LOST"


def test_a_file_fails_with_its_own_code():
    assert file_failure(FileUnusable(FileFault.NO_TEXT)) == AnalysisFailure(
        "NO_TEXT", FileUnusable(FileFault.NO_TEXT).sentence
    )
