"""Calls that take minutes hold up nobody: pushes leave, files are imported, and each answer is paid for once."""

import time
from contextlib import ExitStack

import pytest

from tests.end_to_end.person import Visit
from tests.end_to_end.product import Product
from tests.end_to_end.provider import TREATMENTS
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
LONG_CALLS = 20
ONCE = {"checkups": 1, "prescriptions": 1}


def waits_for_prescriptions(product: Product, faults: ExitStack) -> tuple[Visit, str]:
    """Somebody whose prescriptions are paid for and take for ever."""
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.cx_id = product.provider.cx_id_of(visit.person.phone_no)
    fault = faults.enter_context(product.provider.fault(TREATMENTS, cxid=visit.cx_id, calls=1, hold="after"))
    product.provider.approve(visit.cx_id)
    return visit, fault


def test_twenty_long_calls_hold_up_neither_pushes_nor_files(product: Product):
    with ExitStack() as faults:
        waiting = [waits_for_prescriptions(product, faults) for _ in range(LONG_CALLS)]
        for _, fault in waiting:
            wait_until(lambda fault=fault: product.provider.held_calls(fault), 60)
        other = product.meet().is_known_with().start()
        began = time.monotonic()
        other.asks_for_push().wait_for("auth_waiting")
        assert time.monotonic() - began < 1
        other.approves().wait_for("completed")
        records = other.ask_records("checkups", other.patient_uuid).json()
        assert len(records["items"] if "items" in records else records["checkups"]) == 3
    for visit, _ in waiting:
        visit.wait_for("completed", timeout=60)
        assert product.provider.bill_of(visit.cx_id) == ONCE
