"""Every row of the providers' error tables, as the person and the operators are told of it."""

import pytest

from services.collection.failures import AUTHENTICATORS, describe, is_retryable
from services.collection.steps.import_files import FilesNotImported
from services.patients.consents import ConsentExpired, ConsentNotHeld
from spool import DamagedFile, StorageFault
from upstream.mediarc import errors as mediarc
from upstream.tilko import errors as tilko

ROWS = [
    (tilko.NotApproved(provider_code=4115), "AUTH_PENDING", True),
    (tilko.NotApproved(reason="html"), "AUTH_PENDING", True),
    (tilko.WrongPersonalData(), "INFO_REQUIRED", False),
    (tilko.Declined(), "DECLINED", False),
    (tilko.RefusedBeforeApproval(provider_code=7777), "PROVIDER_REFUSED", True),
    (tilko.EndpointMissing(http_status=404), "PROVIDER_REFUSED", False),
    (tilko.NotRegistered("3"), "NOT_REGISTERED", False),
    (tilko.TilkoUnavailable(reason="busy", http_status=429), "PROVIDER_UNAVAILABLE", True),
    (tilko.TilkoUnavailable(reason="busy", http_status=503), "PROVIDER_UNAVAILABLE", True),
    (tilko.TilkoUnavailable(reason="timed_out"), "PROVIDER_UNAVAILABLE", True),
    (tilko.TilkoUnavailable(reason="unreachable"), "PROVIDER_UNAVAILABLE", True),
    (tilko.TilkoUnavailable(reason="broken_response"), "PROVIDER_UNAVAILABLE", True),
    (tilko.TilkoMisconfigured(http_status=401), "SERVICE_UNAVAILABLE", False),
    (tilko.TilkoMisconfigured(http_status=403), "SERVICE_UNAVAILABLE", False),
    (tilko.TilkoMisconfigured(reason="unknown_api_key"), "SERVICE_UNAVAILABLE", False),
    (tilko.TilkoRefused(provider_code=7777), "PROVIDER_REFUSED", False),
    (tilko.TilkoResponseTooLarge(), "PROVIDER_REFUSED", False),
    (mediarc.ReportInputsMissing(["weight"]), "REPORT_INPUTS_MISSING", False),
    (mediarc.MediarcUnavailable(http_status=503), "REPORT_FAILED", True),
    (mediarc.MediarcMisconfigured(http_status=403), "SERVICE_UNAVAILABLE", False),
    (mediarc.MediarcRefused(http_status=400), "REPORT_FAILED", False),
    (mediarc.MediarcResponseTooLarge(), "REPORT_FAILED", False),
    (mediarc.MediarcAnswerUnreadable(), "REPORT_FAILED", False),
    (ConsentNotHeld(), "CONSENT_MISSING", False),
    (ConsentExpired(), "CONSENT_EXPIRED", False),
    (StorageFault("disk_full"), "STORAGE_FAILED", True),
    (DamagedFile("checksum"), "STORAGE_FAILED", False),
    (FilesNotImported(), "INTERNAL_ERROR", False),
    (ZeroDivisionError(), "INTERNAL_ERROR", True),
]


@pytest.mark.parametrize(("error", "code", "retryable"), ROWS, ids=str)
def test_each_error_has_its_code_and_knows_whether_to_try_again(error, code, retryable):
    failure = describe(error)
    assert (failure.code, is_retryable(error)) == (code, retryable)
    assert failure.message.endswith("요.")
    assert "{" not in failure.message


@pytest.mark.parametrize("code", AUTHENTICATORS)
def test_the_person_is_told_which_authenticator(code):
    assert AUTHENTICATORS[code] in describe(tilko.NotRegistered(code)).message


def test_operators_get_the_facts_and_nothing_of_the_message():
    error = tilko.TilkoRefused(
        reason="r", http_status=200, provider_code=7777, provider_message="김하늘 님", error_log="SANDBOX-7777"
    )
    assert describe(error).detail == {
        "error": "TilkoRefused",
        "reason": "r",
        "http_status": 200,
        "provider_code": 7777,
        "error_log": "SANDBOX-7777",
    }


def test_the_text_of_an_unforeseen_error_goes_nowhere():
    assert describe(ValueError("김하늘 010-0000-0001")).detail == {"error": "ValueError"}
