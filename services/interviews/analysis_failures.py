"""Why an analysis failed, as the project is told: a stable code, a sentence for the person, MISO's own code."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.interviews.extraction.failures import SENTENCES as FILE_SENTENCES
from services.interviews.extraction.failures import FileUnusable
from upstream.miso.errors import (
    MisoAnswerInvalid,
    MisoAnswerLost,
    MisoError,
    MisoRejected,
    MisoWorkflowFailed,
)


class AnalysisFault(StrEnum):
    NOT_CONFIGURED = "NOT_CONFIGURED"
    MISO_UNAVAILABLE = "MISO_UNAVAILABLE"
    MISO_REJECTED = "MISO_REJECTED"
    MISO_WORKFLOW_FAILED = "MISO_WORKFLOW_FAILED"
    MISO_ANSWER_INVALID = "MISO_ANSWER_INVALID"
    MISO_ANSWER_LOST = "MISO_ANSWER_LOST"
    MISO_TIMEOUT = "MISO_TIMEOUT"
    NO_INTERVIEWS = "NO_INTERVIEWS"
    STALE = "STALE"
    POISON = "POISON"
    CANCELLED = "CANCELLED"


_SENTENCES = {
    AnalysisFault.NOT_CONFIGURED: "분석 서비스가 아직 연결되지 않았어요. 관리자에게 알려 주세요.",
    AnalysisFault.MISO_UNAVAILABLE: "분석 서비스를 지금 쓸 수 없어요. 잠시 뒤에 다시 시도해 주세요.",
    AnalysisFault.MISO_REJECTED: "분석 서비스가 요청을 받아들이지 않았어요.",
    AnalysisFault.MISO_WORKFLOW_FAILED: "분석 서비스가 분석을 끝내지 못했어요. 다시 시도해 주세요.",
    AnalysisFault.MISO_ANSWER_INVALID: "분석 결과를 읽을 수 없어요. 다시 시도해 주세요.",
    AnalysisFault.MISO_ANSWER_LOST: "분석 결과를 받지 못했어요. 다시 시도해 주세요.",
    AnalysisFault.MISO_TIMEOUT: "분석이 제한 시간 안에 끝나지 않았어요. 다시 시도해 주세요.",
    AnalysisFault.NO_INTERVIEWS: "고른 인터뷰가 모두 지워졌어요.",
    AnalysisFault.STALE: "하루 안에 분석을 시작하지 못했어요. 다시 시도해 주세요.",
    AnalysisFault.POISON: "처리하는 중에 문제가 생겼어요. 관리자에게 알려 주세요.",
    AnalysisFault.CANCELLED: "삭제하면서 분석을 멈췄어요. 다시 분석할 수 있어요.",
}
# Every code that a failed interview or insight may have, with its sentence: for docs/errors.md.
FAILURES: Mapping[str, str] = {
    code.value: sentence for code, sentence in (*FILE_SENTENCES.items(), *_SENTENCES.items())
}


@dataclass(frozen=True, slots=True)
class AnalysisFailure:
    """`response_status` and `provider_code` are MISO's, where it refused."""

    code: str
    message: str
    response_status: int | None = None
    provider_code: str = ""

    def describe(self) -> dict[str, Any]:
        """For the interview's `error`."""
        known: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.response_status is not None:
            known["response_status"] = self.response_status
        return known | ({"provider_code": self.provider_code} if self.provider_code else {})


def failure_of(fault: AnalysisFault, error: MisoError | None = None) -> AnalysisFailure:
    status, code = (error.http_status, error.provider_code) if error else (None, "")
    is_refusal = status is not None and not 200 <= status < 300
    return AnalysisFailure(fault.value, _SENTENCES[fault], status if is_refusal else None, code)


def file_failure(error: FileUnusable) -> AnalysisFailure:
    return AnalysisFailure(error.code.value, error.sentence)


def failure_of_miso(error: MisoError) -> AnalysisFailure:
    """What it comes to when nothing more can be done about it."""
    return failure_of(_fault_of(error), error)


def _fault_of(error: MisoError) -> AnalysisFault:
    if isinstance(error, MisoRejected):
        return AnalysisFault.MISO_REJECTED
    if isinstance(error, MisoWorkflowFailed):
        return AnalysisFault.MISO_WORKFLOW_FAILED
    if isinstance(error, MisoAnswerInvalid):
        return AnalysisFault.MISO_ANSWER_INVALID
    if isinstance(error, MisoAnswerLost):
        return AnalysisFault.MISO_ANSWER_LOST  # also of a time-out: what still runs at the deadline has been found
    return AnalysisFault.MISO_UNAVAILABLE  # not reached, busy, or failed in itself


def read_failure(kept: dict[str, Any] | None) -> AnalysisFailure:
    """Of a run's `lost`. Without one, the process that called was lost with its answer."""
    if kept is None:
        return failure_of(AnalysisFault.MISO_ANSWER_LOST)
    return AnalysisFailure(kept["code"], kept["message"], kept.get("response_status"), kept.get("provider_code", ""))
