"""Each answer of MediArc becomes a report or the error that says what follows."""

import json
import pickle
from datetime import UTC, datetime

import pytest

from upstream.mediarc.answers import read_report
from upstream.mediarc.errors import MediarcMisconfigured, MediarcRefused, MediarcUnavailable, ReportInputsMissing

ANSWER = {
    "mkt_uuid": "invented-uuid",
    "report_url": "https://reports.example/report.pdf",
    "mediarC": {
        "provider": "twobecon",
        "analyzed_at": "2026-11-21T03:04:05Z",
        "bodyage": 38,
        "rank": 15,
        "data": [{"type": "disease", "name": "고혈압"}, {"type": "cancer", "name": "위암"}, None, {"type": "other"}],
    },
}


def read(answer, status=200, headers=None, hide=()):
    body = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
    return read_report(status, headers or {}, body, hide=hide)


def test_report_is_read():
    report = read(ANSWER)
    assert (report.mkt_uuid, report.report_url) == ("invented-uuid", "https://reports.example/report.pdf")
    assert (report.bodyage, report.rank, report.provider) == (38, 15, "twobecon")
    assert report.analyzed_at == datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
    assert ([d["name"] for d in report.diseases], [c["name"] for c in report.cancers]) == (["고혈압"], ["위암"])
    assert report.raw == ANSWER
    assert "고혈압" not in repr(report)


@pytest.mark.parametrize("moment", [None, "", "soon", "0001-01-01T00:00:00+14:00"])
def test_numbers_left_out_are_none(moment):
    report = read({**ANSWER, "mediarC": {"data": [], "analyzed_at": moment, "bodyage": "?", "rank": True}})
    assert (report.bodyage, report.rank, report.analyzed_at) == (None, None, None)


@pytest.mark.parametrize("number", [1e300, -1e300, 10**300, -1, 1000])
def test_what_is_no_age_is_refused(number):
    report = read({**ANSWER, "mediarC": {"data": [], "bodyage": number, "rank": number}})
    assert (report.bodyage, report.rank) == (None, None)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b'{"mkt_uuid": "x", "medi',
        b"[]",
        {"mkt_uuid": "x"},
        {**ANSWER, "mediarC": None},
        {**ANSWER, "mediarC": {"bodyage": 3}},
        {**ANSWER, "report_url": None},
        {**ANSWER, "report_url": "javascript:alert(1)"},
        {**ANSWER, "report_url": "https://[broken"},
    ],
)
def test_malformed_report_is_passing(answer):
    with pytest.raises(MediarcUnavailable) as caught:
        read(answer)
    assert (caught.value.retryable, caught.value.reason) == (True, "malformed")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, MediarcUnavailable),
        (500, MediarcUnavailable),
        (503, MediarcUnavailable),
        (401, MediarcMisconfigured),
        (403, MediarcMisconfigured),
        (400, MediarcRefused),
        (404, MediarcRefused),
        (302, MediarcRefused),
        (201, MediarcRefused),
    ],
)
def test_status_decides_what_follows(status, error):
    with pytest.raises(error) as caught:
        read({"error": "<b>no</b>"}, status=status, headers={"Retry-After": "9"})
    assert (caught.value.http_status, caught.value.error_text) == (status, "no")
    assert caught.value.retry_after_seconds == (9.0 if error is MediarcUnavailable else None)


def test_text_of_an_error_is_ours_alone():
    with pytest.raises(MediarcRefused) as caught:
        read({"error": "김하늘 19840517 " + "x" * 5000}, status=400, hide=("김하늘",))
    assert str(caught.value) == "MediArc refused (HTTP 400)"
    assert caught.value.error_text.startswith("*** *** x")
    assert len(caught.value.error_text) == 500


@pytest.mark.parametrize("error", [ReportInputsMissing(["sex"]), MediarcRefused(http_status=400, error_text="x")])
def test_errors_survive_pickle(error):
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))
