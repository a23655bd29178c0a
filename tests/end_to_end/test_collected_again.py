"""The same person collects again: the tables follow what the insurer says now, and nothing is there twice."""

from typing import Any

import pytest

from tests.end_to_end.person import REPORT_PAGE, Visit
from tests.end_to_end.product import Product

KINDS = ("checkups", "prescriptions")
# As the provider spells it at the moment.
_SPELLED = ("location", "hospital_name", "address", "items", "raw_data", "details")


def listed(visit: Visit) -> dict[str, list[dict[str, Any]]]:
    return {kind: visit.ask_records(kind, visit.patient_uuid).json()["items"] for kind in KINDS}


def without_spelling(records: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {
        kind: sorted(
            ({name: value for name, value in item.items() if name not in _SPELLED} for item in items),
            key=lambda item: item["id"],
        )
        for kind, items in records.items()
    }


def test_another_spelling_changes_records_and_adds_none(product: Product):
    person = product.meet().is_known_with(checkups=5, prescriptions=12)
    before = listed(person.collects())
    after = listed(person.is_known_with(checkups=5, prescriptions=12, spelling="other").collects())
    assert without_spelling(after) == without_spelling(before)
    assert after != before
    assert (len(after["checkups"]), len(after["prescriptions"])) == (5, 12)


def test_a_report_needs_no_usual_spelling(product: Product):
    visit = product.meet(gender="M").is_known_with(spelling="other").collects(redirect_path=REPORT_PAGE)
    assert visit.kinds()[-2:] == ["mediarc_completed_password_ready", "completed"]
    newest = listed(visit)["checkups"][0]
    assert newest["ast_u_l"]
    assert newest["gamma_gtp_u_l"]
    assert newest["hearing_left"] == "정상"


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_insurer_withdrew_leaves_the_list_and_comes_back(product: Product, kind: str):
    person, usual = product.meet(), {"checkups": 4, "prescriptions": 4}
    before = listed(person.is_known_with(**usual).collects())
    gone = listed(person.is_known_with(**usual | {kind: 0}).collects())
    assert gone == before | {kind: []}
    assert listed(person.is_known_with(**usual).collects()) == before
