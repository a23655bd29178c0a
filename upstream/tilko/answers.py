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
    Declined,
    EndpointMissing,
    NotApproved,
    NotRegistered,
    RefusedBeforeApproval,
    TilkoError,
    TilkoMisconfigured,
    TilkoRefused,
    TilkoResponseTooLarge,
    TilkoUnavailable,
    WrongPersonalData,
)
from upstream.tilko.refusals import Refusal, judge_refusal, says_not_finished

NOT_APPROVED_CODE = 4115

_PASSING_STATUSES = frozenset({408, 425, 429})
_BOM = b"\xef\xbb\xbf"
_TRUTHS = {"true": True, "false": False}


MAX_ANSWER_BYTES = 256 * 1024 * 1024
# As it comes, before its coding is taken off.
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
# Of a call that brings no records (the key, a push, whether there is an approval), and of a refusal: a few hundred
# bytes, or a page. As it comes, and decoded: what is longer holds up thousands of polls while it is read.
MAX_SMALL_ANSWER_BYTES = 256 * 1024
# In the bytes of an answer: that it names a list, that the list holds something, that there is none to be had.
_LIST_NAME = re.compile(rb"resultlist", re.IGNORECASE)
_RECORD = re.compile(rb'"resultlist"\s*:\s*[\[{]\s*[^\s\]}]', re.IGNORECASE)
_REFUSAL = re.compile(rb'"status"\s*:\s*"(?!ok")|"errorcode"\s*:\s*"?%d\b' % NOT_APPROVED_CODE, re.IGNORECASE)


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
    answer = _read_small(status, headers, body, (api_key,))
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
    answer = _read_small(status, headers, body, hide)
    if not _is_ok(answer):
        raise _read_refusal(status, answer, hide, is_waiting=False, is_approved=False)
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


def read_login_check(status: int, headers: Mapping[str, str], body: bytes, *, hide: Iterable[str] = ()) -> bool:
    """Whether the person has approved. Raises TilkoError: EndpointMissing where the provider has no such path."""
    if status == 404:
        raise EndpointMissing(http_status=status)
    if _is_success(status) and _is_html(headers, body):
        return False
    answer = _read_small(status, headers, body, hide)
    if not _is_ok(answer):
        refusal = _read_refusal(status, answer, hide, is_waiting=True, is_approved=False)
        if isinstance(refusal, NotApproved):
            return False
        raise refusal
    result = _TRUTHS.get(str(answer.get("Result")).strip().lower())
    if status != 200 or result is None:
        raise TilkoUnavailable(reason="malformed", http_status=status)
    return result and _read_code(answer) != NOT_APPROVED_CODE


def read_cut_login_check(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Of an answer that is too large to be one, what its beginning says: no such path, or a page for a person who has
    not approved. Raises EndpointMissing, TilkoResponseTooLarge."""
    if status == 404:
        raise EndpointMissing(http_status=status)
    if _is_success(status) and _is_html(headers, body):
        return False
    raise TilkoResponseTooLarge(reason="too_large", http_status=status)


def may_hold_data(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether this response to a data call may have been paid for, and has to be kept before anybody reads it. False
    for what certainly was not, by its bytes as they stand: an error of HTTP, a page, an explicit refusal, nothing.

    Nothing is decoded or parsed for this. What turns out to be a refusal only when it is read is dropped again.
    """
    if read_header(headers, "Content-Encoding").strip().lower() not in {"", "identity"}:
        return bool(body)
    if not body or _is_html(headers, body):
        return False
    if not _is_success(status):
        return _LIST_NAME.search(body) is not None
    if len(body) > MAX_SMALL_ANSWER_BYTES:
        return True
    # A poll finds a refusal every other second, for each who waits: no file is written for it.
    return not (body.isspace() or (_REFUSAL.search(body) and not _RECORD.search(body)))


def read_data(status: int, headers: Mapping[str, str], body: bytes, *, hide: Iterable[str] = ()) -> DataAnswer:
    """For checkups and treatments alike. Raises TilkoError; AnswerUnreadable for what may have been paid for."""
    if _is_success(status) and len(body) > MAX_RESPONSE_BYTES:  # what came of one that was cut at our limit
        raise AnswerUnreadable(reason="too_large", http_status=status)
    try:
        plain = decode_body(headers, body, MAX_ANSWER_BYTES)
    except UnreadableCoding as exc:
        if _is_success(status):
            raise AnswerUnreadable(reason=exc.reason, http_status=status) from exc
        plain = b""
    if _is_success(status) and _is_html(headers, plain):
        raise NotApproved(reason="html", http_status=status)
    answer = _parse(plain)
    if _is_ok(answer) and "ResultList" in answer:  # whatever the status says: it has been had, and paid for
        return _read_rows(status, answer, hide)
    if _is_success(status) and plain.strip() and not _is_error(answer):
        raise AnswerUnreadable(reason="no_result_list" if answer else "not_json", http_status=status)
    _require_answer(status, headers, answer, hide)
    raise _read_refusal(status, answer, hide, is_waiting=True)


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
    if is_refusal(answer):
        raise AnswerUnreadable(reason="refused")
    if rows_of(answer)[0] is None:
        raise AnswerUnreadable(reason="no_result_list")
    return answer


def is_refusal(answer: Mapping[str, Any]) -> bool:
    """Whether an answer with a list says that there is none to be had: its list is not to be taken for an empty one."""
    return _is_error(answer) or _says_unfinished(answer)


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


def _says_unfinished(answer: Mapping[str, Any]) -> bool:
    return not answer["ResultList"] and _is_unfinished(answer)


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _read_small(status: int, headers: Mapping[str, str], body: bytes, hide: Iterable[str]) -> dict[str, Any]:
    """The object of an answer without records, before the approval. Raises TilkoError."""
    try:
        answer = _parse(decode_body(headers, body, MAX_SMALL_ANSWER_BYTES))
    except UnreadableCoding:
        answer = {}
    _require_answer(status, headers, answer, hide, is_approved=False)
    return answer


def _require_answer(
    status: int, headers: Mapping[str, str], answer: Mapping[str, Any], hide: Iterable[str], *, is_approved: bool = True
) -> None:
    """Raises TilkoError where the HTTP status alone decides, or where it is no answer of the provider's."""
    if status in _PASSING_STATUSES or status >= 500:
        wait = read_retry_after(headers)
        raise TilkoUnavailable(reason="busy", retry_after_seconds=wait, **_facts(status, answer, hide))
    if status in {401, 403}:
        raise TilkoMisconfigured(**_facts(status, answer, hide))
    if status != 200 and _is_ok(answer):
        raise _refused(is_approved=is_approved)(**_facts(status, answer, hide))
    if not isinstance(answer.get("Status"), str):
        # Also a redirect or an error page: somebody between us and the provider has answered.
        raise TilkoUnavailable(reason="malformed", http_status=status)


def _refused(*, is_approved: bool) -> type[TilkoRefused]:
    return TilkoRefused if is_approved else RefusedBeforeApproval


def _parse(body: bytes) -> dict[str, Any]:
    """Empty when it is no JSON object. Names in other cases are the same names."""
    answer = read_object(body) or {}
    known = {name.lower(): name for name in ("Status", "ResultList", "ErrorCode", "Message")}
    renamed = {known[name.lower()]: value for name, value in answer.items() if name.lower() in known}
    return renamed | answer


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    start = body[:64].removeprefix(_BOM).lstrip()[:1]
    return start != b"{" and (start == b"<" or "html" in read_header(headers, "Content-Type").lower())


def _is_ok(answer: Mapping[str, Any]) -> bool:
    status = answer.get("Status")
    return isinstance(status, str) and status.upper() == "OK"


def _is_error(answer: Mapping[str, Any]) -> bool:
    return isinstance(answer.get("Status"), str) and not _is_ok(answer)


def _is_unfinished(answer: Mapping[str, Any]) -> bool:
    return _read_code(answer) == NOT_APPROVED_CODE or says_not_finished(answer.get("Message"))


_MEANINGS: dict[Refusal, tuple[type[TilkoError], str]] = {
    Refusal.OUR_KEY: (TilkoMisconfigured, "unknown_api_key"),
    Refusal.DECLINED: (Declined, ""),
    Refusal.NOT_FINISHED: (NotApproved, ""),
    Refusal.WRONG_DATA: (WrongPersonalData, ""),
    Refusal.NOT_FOUND: (WrongPersonalData, "person_not_found"),
}


def _read_refusal(
    status: int, answer: dict[str, Any], hide: Iterable[str], *, is_waiting: bool, is_approved: bool = True
) -> TilkoError:
    """`is_waiting`: this call asks, among other things, whether the person has approved."""
    if is_waiting and _read_code(answer) == NOT_APPROVED_CODE:  # the usual poll: its words say nothing more
        return NotApproved(http_status=status, provider_code=NOT_APPROVED_CODE)
    found = judge_refusal(answer.get("Message"), answer.get("TargetMessage"), is_waiting=is_waiting)
    error, reason = _MEANINGS.get(found, (_refused(is_approved=is_approved), ""))
    return error(reason=reason, **_facts(status, answer, hide))


def _facts(status: int, answer: Mapping[str, Any], hide: Iterable[str]) -> _Facts:
    return {
        "http_status": status,
        "provider_code": _read_code(answer),
        "provider_message": clean(answer.get("Message"), hide),
        "error_log": clean(answer.get("ErrorLog"), hide),
    }


def _read_code(answer: Mapping[str, Any]) -> int | None:
    text = str(answer.get("ErrorCode"))[:9]
    return int(text) if text.isascii() and text.isdecimal() else None


def _read_balance(value: object) -> Decimal | None:
    try:
        balance = Decimal(str(value).replace(",", "").strip()[:40])
    except InvalidOperation:
        return None
    return balance if balance.is_finite() else None
