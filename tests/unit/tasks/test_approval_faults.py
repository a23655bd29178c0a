"""Faults of polls: each is counted, few are told."""

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tasks.processes.approval_faults import ApprovalFaults
from upstream.tilko.errors import RefusedBeforeApproval, TilkoMisconfigured, TilkoUnavailable


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("welno_approval_faults_total", {"kind": kind}) or 0


def test_an_outage_is_counted_per_poll_and_told_once_per_kind():
    faults, before = ApprovalFaults(), counted("TilkoUnavailable")
    with capture_logs() as told:
        for _ in range(1000):
            faults.note(TilkoUnavailable(reason="busy", http_status=503))
        faults.note(RefusedBeforeApproval(provider_code=9001, provider_message="김하늘 님"))
    assert counted("TilkoUnavailable") - before == 1000
    assert [(one["event"], one["error"]) for one in told] == [
        ("approval_not_answered", "TilkoUnavailable"),
        ("approval_not_answered", "RefusedBeforeApproval"),
    ]
    assert "김하늘" not in str(told)


@pytest.mark.parametrize("error", [TilkoMisconfigured(http_status=401), TilkoMisconfigured(reason="unknown_api_key")])
def test_our_own_configuration_is_an_alert(error):
    with capture_logs() as told:
        ApprovalFaults().note(error)
    assert [(one["event"], one["log_level"]) for one in told] == [("provider_rejects_our_configuration", "error")]
