"""Reads MediArc's answers: the report, or the one error that says what follows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from upstream.http.content_coding import UnreadableCoding, decode_body
from upstream.http.exchange import HttpResponse
from upstream.http.retry_after import read_retry_after
from upstream.lenient_json import read_object
from upstream.mediarc.errors import (
    MediarcAnswerUnreadable,
    MediarcError,
    MediarcMisconfigured,
    MediarcRefused,
    MediarcResponseTooLarge,
    MediarcUnavailable,
)
from upstream.redaction import clean

# As it comes, before its coding is taken off.
MAX_RESPONSE_BYTES = 16 * 1024 * 1024
_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_LARGEST_WHOLE = 1000
_LONGEST_MOMENT = 64


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReportAnswer:
    """A made report. Numbers are None where the provider left them out."""

    mkt_uuid: str
    report_url: str
    bodyage: int | None
    rank: int | None
    analyzed_at: datetime | None
    provider: str
    diseases: list[dict[str, Any]]
    cancers: list[dict[str, Any]]
    raw: dict[str, Any]

    def __repr__(self) -> str:
        return "ReportAnswer(...)"


def read_report(status: int, headers: Mapping[str, str], body: bytes, *, hide: Iterable[str] = ()) -> ReportAnswer:
    """Raises MediarcError. What may have been paid for and would come like this again is not retryable."""
    if status == 200 and len(body) > MAX_RESPONSE_BYTES:  # what came of one that was cut at our limit
        raise MediarcResponseTooLarge(reason="too_large", http_status=status)
    try:
        answer = read_object(decode_body(headers, body, _MAX_ANSWER_BYTES)) or {}
    except UnreadableCoding as exc:
        if status == 200:
            raise MediarcAnswerUnreadable(reason=exc.reason, http_status=status) from exc
        answer = {}
    if status != 200:
        raise _read_refusal(status, headers, answer, hide)
    result = answer.get("mediarC")
    report_url = answer.get("report_url")
    if not isinstance(result, dict) or not isinstance(result.get("data"), list) or not _is_link(report_url):
        raise MediarcUnavailable(reason="malformed", http_status=status)
    entries = [entry for entry in result["data"] if isinstance(entry, dict)]
    return ReportAnswer(
        mkt_uuid=str(answer.get("mkt_uuid") or ""),
        report_url=str(report_url),
        bodyage=_read_whole(result.get("bodyage")),
        rank=_read_whole(result.get("rank")),
        analyzed_at=_read_moment(result.get("analyzed_at")),
        provider=str(result.get("provider") or ""),
        diseases=[entry for entry in entries if entry.get("type") == "disease"],
        cancers=[entry for entry in entries if entry.get("type") == "cancer"],
        raw=answer,
    )


def read_report_response(response: HttpResponse) -> ReportAnswer:
    """The same of a response that was kept. Raises MediarcError."""
    return read_report(response.status, response.headers, response.body)


def _read_refusal(status: int, headers: Mapping[str, str], answer: dict[str, Any], hide: Iterable[str]) -> MediarcError:
    error_text = clean(answer.get("error"), hide)
    if status in {408, 425, 429} or status >= 500:
        wait = read_retry_after(headers)
        return MediarcUnavailable(reason="busy", http_status=status, error_text=error_text, retry_after_seconds=wait)
    error = MediarcMisconfigured if status in {401, 403} else MediarcRefused
    return error(http_status=status, error_text=error_text)


def _is_link(value: object) -> bool:
    """It becomes a link in the browser: only http and https, never `javascript:`."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _read_whole(value: object) -> int | None:
    """None for what is no age and no rank: a float can be so large that its integer has 300 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LARGEST_WHOLE:
        return None
    return round(value)


def _read_moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) and len(value) <= _LONGEST_MOMENT else "")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
