"""Which fault a call meets, and whether the call has its effect."""

import pytest

from dev.sandbox.faults import CallAtHand, Faults, read_fault


@pytest.mark.parametrize(
    ("fault", "happens"),
    [
        ({"delay_seconds": 1}, True),
        ({"hold": "before"}, True),
        ({"headers": {"X-A": "b"}}, True),
        ({"cut": "during"}, True),
        ({"reshape": {"prefix": "77u/"}}, True),
        ({"cut": "before"}, False),
        ({"status": 500}, False),
        ({"malformed": True}, False),
        ({"html": True}, False),
        ({"error_code": 0}, False),
        ({"status": 500, "hold": "after"}, True),
        ({"cut": "before", "hold": "after"}, True),
        ({"cut": "during", "status": 500}, False),
    ],
)
def test_says_whether_the_call_has_its_effect(fault, happens):
    assert read_fault("f1", {"path": "x", **fault}).lets_call_happen is happens


def test_the_oldest_fitting_fault_strikes_until_it_is_used_up():
    faults = Faults()
    first = faults.add({"path": "GGPAB", "calls": 1, "status": 500})
    second = faults.add({"path": "ggpab", "status": 502})
    assert [faults.take(CallAtHand("/API/Ggpab003M0105")) for _ in range(3)] == [first, second, second]


def test_a_fault_for_another_path_or_request_does_not_strike():
    faults = Faults()
    faults.add({"path": "mediarc", "status": 500})
    faults.add({"path": "ggpab", "cxid": "one", "status": 500})
    assert faults.take(CallAtHand("/api/ggpab003m0105", "two")) is None


def test_a_fault_with_a_text_strikes_only_calls_whose_body_holds_it():
    faults = Faults()
    fault = faults.add({"path": "run", "match": "카나리아", "status": 500})
    assert faults.take(CallAtHand("/ext/v1/workflows/run")) is None
    assert faults.take(CallAtHand("/ext/v1/workflows/run", holds=lambda text: text in "노란 카나리아")) is fault


def test_a_fault_of_one_method_leaves_the_others_alone():
    faults = Faults()
    fault = faults.add({"path": "run", "method": "POST", "status": 500})
    assert faults.take(CallAtHand("/ext/v1/workflows/run/r-1", method="GET")) is None
    assert faults.take(CallAtHand("/ext/v1/workflows/run")) is fault


@pytest.mark.parametrize(
    ("fault", "happens"),
    [
        ({"code": "app_unavailable"}, False),
        ({"code": "app_unavailable", "error_after_chunks": 2}, True),
        ({"status": 504, "while_running": True}, True),
        ({"outputs": "missing:key_takeaways"}, True),
    ],
)
def test_says_whether_a_workflow_begins(fault, happens):
    assert read_fault("f1", {"path": "x", **fault}).lets_call_happen is happens
