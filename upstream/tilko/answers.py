"""Reads Tilko's answers: the value, or the one error that says what follows."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict

from cryptography.exceptions import UnsupportedAlgorithm

from upstream.http.content_coding import UnreadableCoding, decode_body
from upstream.http.exchange import HttpResponse
from upstream.http.retry_after import read_header, read_retry_after
from upstream.lenient_json import read_object
from upstream.redaction import clean
from upstream.tilko.codec import AuthTokens, PublicKey
from upstream.tilko.errors import (
    AnswerUnreadable,
    NotApproved,
    NotRegistered,
    TilkoError,
    TilkoMisconfigured,
    TilkoRefused,
    TilkoUnavailable,
    WrongPersonalData,
)

NOT_APPROVED_CODE = 4115

_PASSING_STATUSES = frozenset({408, 425, 429})
_BOM = b"\xef\xbb\xbf"
# The provider tells these cases apart by words alone. Spaces vary between its messages, so they are ignored.
_UNKNOWN_API_KEY = re.compile(r"api[-_]?(?:key|키)", re.IGNORECASE)
_NOT_FINISHED = re.compile(
    r"(?:인증|승인)[이을]?(?:아직)?(?:완료|진행|처리)?(?:되지|하지)않|인증[이을]?(?:미완료|대기|진행중|완료전)|미인증"
    r"|인증[이을]?완료(?:한)?후|notfinished|notcompleted|pending",
    re.IGNORECASE,
)
_WRONG_PERSONAL_DATA = re.compile(r"입력하신정보|사용자정보|확인후다시시도|인증을진행할수없습니다")


MAX_ANSWER_BYTES = 256 * 1024 * 1024
_LONGEST_REFUSAL_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class DataAnswer:
    """A paid answer: so many records, and so many rows beside them that are none."""

    count: int
    skipped: int
    point_balance: Decimal | None

    def __repr__(self) -> str:
        return f"DataAnswer(count={self.count}, ...)"


class _Facts(TypedDict):
    http_status: int
    provider_code: int | None
    provider_message: str
    error_log: str


def read_public_key(status: int, headers: Mapping[str, str], body: bytes, api_key: str) -> PublicKey:
    """Raises TilkoError."""
    answer = _read_object(status, headers, body, (api_key,))
    if not _is_ok(answer):
        # Nothing but the API key was sent: there is nothing else the provider could refuse.
        raise TilkoMisconfigured(reason="unknown_api_key", **_facts(status, answer, (api_key,)))
    if answer.get("ApiKey") != api_key:
        raise TilkoMisconfigured(reason="another_api_key_echoed", http_status=status)
    try:
        return PublicKey.parse(api_key, str(answer.get("PublicKey")))
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise TilkoUnavailable(reason="malformed", http_status=status) from exc


def read_simple_auth(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    private_auth_type: str = "",
    hide: Iterable[str] = (),
) -> AuthTokens:
    """`private_auth_type` is the one asked for, used where the answer leaves it out. Raises TilkoError."""
    answer = _read_object(status, headers, body, hide)
    if not _is_ok(answer):
        raise _read_refusal(status, answer, hide, waiting=False)
    result = answer.get("ResultData")
    if status != 200 or not isinstance(result, dict) or "CxId" not in result:
        raise TilkoUnavailable(reason="malformed", http_status=status)
    asked_type = str(result.get("PrivateAuthType") or private_auth_type)
    if not result["CxId"]:
        raise NotRegistered(asked_type)
    if not {"ReqTxId", "Token", "TxId"} <= result.keys():
        raise TilkoUnavailable(reason="malformed", http_status=status)
    req_tx_id, token, tx_id = (str(result[name] or "") for name in ("ReqTxId", "Token", "TxId"))
    return AuthTokens(str(result["CxId"]), asked_type, req_tx_id, token, tx_id)


def may_hold_data(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether this response to a data call may have been paid for. False for what certainly was not: an error of HTTP,
    a page, an explicit refusal, nothing at all."""
    try:
        body = decode_body(headers, body, MAX_ANSWER_BYTES)
    except UnreadableCoding:
        return _is_success(status)
    if _is_success(status) and len(body) > _LONGEST_REFUSAL_BYTES:  # parsed once is enough
        return True
    if not body.strip() or _is_html(headers, body):
        return False
    answer = _parse(body)
    if isinstance(answer.get("Status"), str) and not _is_ok(answer):
        return False
    if _is_ok(answer) and "ResultList" in answer:
        return not _says_unfinished(answer)
    return _is_success(status)


def read_data(status: int, headers: Mapping[str, str], body: bytes, *, hide: Iterable[str] = ()) -> DataAnswer:
    """For checkups and treatments alike. Raises TilkoError; AnswerUnreadable for what may have been paid for."""
    try:
        plain = decode_body(headers, body, MAX_ANSWER_BYTES)
    except UnreadableCoding as exc:
        if _is_success(status):
            raise AnswerUnreadable(reason=exc.reason, http_status=status) from exc
        plain = b""
    if status == 200 and _is_html(headers, plain):
        raise NotApproved(reason="html", http_status=status)
    answer = _parse(plain)
    if _is_ok(answer) and "ResultList" in answer:  # whatever the status says: it has been had, and paid for
        return _read_rows(status, answer, hide)
    is_refusal = isinstance(answer.get("Status"), str) and not _is_ok(answer)
    if _is_success(status) and plain.strip() and not is_refusal:
        raise AnswerUnreadable(reason="no_result_list" if answer else "not_json", http_status=status)
    raise _read_refusal(status, _read_object(status, headers, body, hide), hide, waiting=True)


def read_data_response(response: HttpResponse) -> DataAnswer:
    """The same of a response that was kept. Raises TilkoError."""
    return read_data(response.status, response.headers, response.body)


def _read_rows(status: int, answer: dict[str, Any], hide: Iterable[str]) -> DataAnswer:
    # "No records" and "not approved" must never be mixed up: the first would end as an empty, paid, final result.
    if _says_unfinished(answer):
        raise NotApproved(**_facts(status, answer, hide))
    rows, skipped = rows_of(answer)
    if rows is None:
        raise AnswerUnreadable(reason="no_result_list", http_status=status)
    return DataAnswer(len(rows), skipped, _read_balance(answer.get("PointBalance")))


def read_answer(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The object of an answer that was kept. Raises AnswerUnreadable."""
    try:
        answer = _parse(decode_body(headers, body, MAX_ANSWER_BYTES))
    except UnreadableCoding as exc:
        raise AnswerUnreadable(reason=exc.reason) from exc
    if "ResultList" not in answer:
        raise AnswerUnreadable(reason="no_result_list" if answer else "not_json")
    return answer


def rows_of(answer: Mapping[str, Any]) -> tuple[list[dict[str, Any]] | None, int]:
    """The records of an answer's list, and how many of its rows are none. None where there is no list to be read."""
    served = answer.get("ResultList")
    if served is None:
        return [], 0
    if isinstance(served, dict):  # one record that was not put into a list
        served = [served] if served else []
    if not isinstance(served, list):
        return None, 0
    rows = [row for row in served if isinstance(row, dict)]
    return rows, len(served) - len(rows)


def _says_unfinished(answer: dict[str, Any]) -> bool:
    return not answer["ResultList"] and _is_unfinished(answer)


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _read_object(status: int, headers: Mapping[str, str], body: bytes, hide: Iterable[str]) -> dict[str, Any]:
    """The answer's object, unless the HTTP status alone decides. Raises TilkoError."""
    try:
        answer = _parse(decode_body(headers, body, MAX_ANSWER_BYTES))
    except UnreadableCoding:
        answer = {}
    if status in _PASSING_STATUSES or status >= 500:
        wait = read_retry_after(headers)
        raise TilkoUnavailable(reason="busy", retry_after_seconds=wait, **_facts(status, answer, hide))
    if status in {401, 403}:
        raise TilkoMisconfigured(**_facts(status, answer, hide))
    if status != 200 and _is_ok(answer):
        raise TilkoRefused(**_facts(status, answer, hide))
    if not isinstance(answer.get("Status"), str):
        error = TilkoUnavailable if status == 200 else TilkoRefused
        raise error(reason="malformed", http_status=status)
    return answer


def _parse(body: bytes) -> dict[str, Any]:
    """Empty when it is no JSON object. Names in other cases are the same names."""
    answer = read_object(body) or {}
    known = {name.lower(): name for name in ("Status", "ResultList", "ErrorCode", "Message")}
    renamed = {known[name.lower()]: value for name, value in answer.items() if name.lower() in known}
    return renamed | answer


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    start = body[:64].removeprefix(_BOM).lstrip()[:1]
    return start != b"{" and (start == b"<" or "html" in read_header(headers, "Content-Type").lower())


def _is_ok(answer: dict[str, Any]) -> bool:
    status = answer.get("Status")
    return isinstance(status, str) and status.upper() == "OK"


def _is_unfinished(answer: dict[str, Any]) -> bool:
    return _read_code(answer) == NOT_APPROVED_CODE or _NOT_FINISHED.search(_squeeze(answer)) is not None


def _read_refusal(status: int, answer: dict[str, Any], hide: Iterable[str], *, waiting: bool) -> TilkoError:
    """`waiting`: this call stands for "is it approved?"; before that question nothing can be unfinished."""
    if waiting and _read_code(answer) == NOT_APPROVED_CODE:  # the usual poll: its words say nothing more
        return NotApproved(http_status=status, provider_code=NOT_APPROVED_CODE)
    facts, words = _facts(status, answer, hide), _squeeze(answer)
    if _UNKNOWN_API_KEY.search(words):
        return TilkoMisconfigured(reason="unknown_api_key", **facts)
    if waiting and _NOT_FINISHED.search(words):  # first: "finish the approval, 확인 후 다시 시도" means wait
        return NotApproved(**facts)
    if _WRONG_PERSONAL_DATA.search(words):
        return WrongPersonalData(**facts)
    return TilkoRefused(**facts)


def _squeeze(answer: dict[str, Any]) -> str:
    return "".join(clean(answer.get("Message")).split())


def _facts(status: int, answer: dict[str, Any], hide: Iterable[str]) -> _Facts:
    return {
        "http_status": status,
        "provider_code": _read_code(answer),
        "provider_message": clean(answer.get("Message"), hide),
        "error_log": clean(answer.get("ErrorLog"), hide),
    }


def _read_code(answer: dict[str, Any]) -> int | None:
    text = str(answer.get("ErrorCode"))[:9]
    return int(text) if text.isascii() and text.isdecimal() else None


def _read_balance(value: object) -> Decimal | None:
    try:
        balance = Decimal(str(value).replace(",", "").strip()[:40])
    except InvalidOperation:
        return None
    return balance if balance.is_finite() else None
