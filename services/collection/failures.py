"""What an error of a step means for the person and the operators. One table, read by every step."""

from dataclasses import dataclass
from typing import Any

from core.sealing import UnknownSealingKey
from services.patients.consents import ConsentExpired, ConsentNotHeld
from spool import SealedWithUnknownKey, SpoolError
from upstream.mediarc.errors import MediarcError, MediarcMisconfigured, ReportInputsMissing
from upstream.tilko.errors import (
    AnswerUnreadable,
    Declined,
    NotApproved,
    NotRegistered,
    TilkoError,
    TilkoMisconfigured,
    TilkoUnavailable,
    WrongPersonalData,
)

AUTHENTICATORS = {
    "0": "카카오톡",
    "1": "페이코",
    "2": "국민은행",
    "3": "삼성패스",
    "4": "통신사 PASS",
    "5": "신한인증서",
    "6": "네이버",
}
# The process at hand was not given the key: another may have it, and nothing is wrong with what is sealed.
SEALING_KEY_UNKNOWN = "SEALING_KEY_UNKNOWN"
UNAVAILABLE = "지금은 서비스를 이용할 수 없어요. 잠시 후 다시 시도해 주세요."

# The first row that fits counts: the narrow types stand before the wide ones.
_TABLE: tuple[tuple[type[Exception], str, str], ...] = (
    (NotRegistered, "NOT_REGISTERED", "{authenticator}에 가입된 정보가 없어요. 다른 인증 방법을 골라 주세요."),
    (
        WrongPersonalData,
        "INFO_REQUIRED",
        "입력한 정보를 확인해 주세요. 이름, 생년월일, 휴대폰 번호, 인증 방법이 맞아야 해요.",
    ),
    (
        Declined,
        "DECLINED",
        "휴대폰에서 인증 요청을 거절하셨어요. 원할 때 다시 요청하거나 다른 앱으로 인증할 수 있어요.",
    ),
    (NotApproved, "AUTH_PENDING", "아직 휴대폰에서 승인되지 않았어요."),
    (TilkoMisconfigured, "SERVICE_UNAVAILABLE", UNAVAILABLE),
    (MediarcMisconfigured, "SERVICE_UNAVAILABLE", UNAVAILABLE),
    (TilkoUnavailable, "PROVIDER_UNAVAILABLE", "공단 연결이 원활하지 않아요. 잠시 후 다시 시도해 주세요."),
    (AnswerUnreadable, "ANSWER_UNREADABLE", "공단에서 받은 기록을 읽지 못했어요. 담당자가 확인하고 있어요."),
    (TilkoError, "PROVIDER_REFUSED", "공단에서 요청을 처리하지 못했어요."),
    (
        ReportInputsMissing,
        "REPORT_INPUTS_MISSING",
        "리포트를 만들기 위한 검진 항목이 부족해요. 모은 기록은 그대로 있어요.",
    ),
    (ConsentExpired, "CONSENT_EXPIRED", "동의한 기간이 지나 리포트를 만들지 않았어요. 모은 기록은 그대로 있어요."),
    (ConsentNotHeld, "CONSENT_MISSING", "동의를 철회하셔서 리포트를 만들지 않았어요. 모은 기록은 그대로 있어요."),
    (MediarcError, "REPORT_FAILED", "리포트를 만들지 못했어요. 모은 기록은 그대로 있어요."),
    (SealedWithUnknownKey, SEALING_KEY_UNKNOWN, UNAVAILABLE),
    (UnknownSealingKey, SEALING_KEY_UNKNOWN, UNAVAILABLE),
    (SpoolError, "STORAGE_FAILED", "기록을 저장하지 못했어요. 잠시 후 다시 시도해 주세요."),
    (Exception, "INTERNAL_ERROR", "처리하는 중에 문제가 생겼어요. 잠시 후 다시 시도해 주세요."),
)
# What operators need of an error, where it has it; cleaned of everything personal where it entered.
_FACTS = ("reason", "http_status", "provider_code", "error_log", "missing")


@dataclass(frozen=True)
class Failure:
    """A step's failure in words and codes. `detail` is for operators and holds nothing personal."""

    code: str
    message: str
    detail: dict[str, Any]


def describe(error: Exception) -> Failure:
    """The failure that an error stands for."""
    code, message = next((code, message) for type_, code, message in _TABLE if isinstance(error, type_))
    authenticator = AUTHENTICATORS.get(getattr(error, "private_auth_type", ""), "고른 인증 방법")
    facts = {name: getattr(error, name, None) for name in _FACTS}
    detail = {"error": type(error).__name__} | {name: value for name, value in facts.items() if value}
    return Failure(code, message.format(authenticator=authenticator), detail)


def is_retryable(error: Exception) -> bool:
    """Whether the same step may do better a little later. What we did not foresee may be a passing fault, too."""
    return bool(getattr(error, "retryable", True))
