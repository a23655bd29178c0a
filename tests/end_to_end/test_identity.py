"""Whose chart it is: what the authenticator proved, whatever else somebody knows of the owner."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.end_to_end.person import Visit, new_name, new_phone
from tests.end_to_end.product import Product

_SESSIONS_OF_CHARTS = """
    select patient_uuid::text as patient, array_agg(distinct session_id::text) as sessions, count(*) as checkups
    from welno.welno_checkup_data where patient_uuid::text = any(:patients) group by 1
"""
_ORDER = """
    insert into welno.tb_campaign_payments (oid, user_name, birth_date, user_phone)
    values ('{oid}', '{name}', '1984-05-17', '{phone}')
"""


@pytest.mark.parametrize(
    "differs", ["phone_no", "birthdate", "user_name", "all but the phone"], ids=lambda differs: f"other {differs}"
)
def test_who_differs_in_one_field_gets_a_chart_of_their_own(product: Product, differs: str):
    """A namesake of the same birth date, who was given the phone later: with the owner's uuid, order and hospital."""
    owner = product.meet().is_known_with(checkups=3).collects()
    theirs, oid = owner.patient_uuid, f"ORDER-{uuid4()}"
    product.execute(_ORDER.format(oid=oid, name=owner.person.user_name, phone=owner.person.phone_no))
    others = {"phone_no": new_phone(), "birthdate": "19840518", "user_name": new_name()}
    changed = ("birthdate", "user_name") if differs == "all but the phone" else (differs,)
    same = {name: getattr(owner.person, name) for name in others if name not in changed}
    other = product.meet(**same, **{name: others[name] for name in changed}).is_known_with(checkups=2)
    visit = other.collects(patient_uuid=theirs, oid=oid, hospital_id="PEERNINE")

    assert visit.patient_uuid != theirs
    assert charts(product, [theirs, visit.patient_uuid]) == {
        theirs: ([owner.session_id], 3),
        visit.patient_uuid: ([visit.session_id], 2),
    }
    for kind in ("checkups", "prescriptions", "report"):
        assert visit.ask_records(kind, theirs).status_code == 404
    for action in ("set", "reset"):
        assert visit.ask_password(action, theirs, password="592704").status_code == 404
    [order] = product.rows("select patient_uuid, pipeline_step from welno.tb_campaign_payments where oid = :o", o=oid)
    assert (order["patient_uuid"], order["pipeline_step"]) == (None, None)


def test_namesakes_who_approve_at_the_same_moment_get_a_chart_each(product: Product):
    """Of the same birth date, whose charts are found or begun all at once."""
    name = new_name()
    people = [product.meet(user_name=name).is_known_with(checkups=count) for count in (1, 2, 3, 4)]
    visits = [person.start().asks_for_push() for person in people]
    with ThreadPoolExecutor(len(visits)) as phones:
        list(phones.map(Visit.approves, visits))
    for visit in visits:
        visit.wait_for("completed")
    assert charts(product, [visit.patient_uuid for visit in visits]) == {
        visit.patient_uuid: ([visit.session_id], count) for count, visit in enumerate(visits, start=1)
    }


def charts(product: Product, patients: Sequence[str]) -> dict[str, tuple[list[str], int]]:
    """Whose answers each holds, and how many checkups."""
    rows = product.rows(_SESSIONS_OF_CHARTS, patients=list(patients))
    return {row["patient"]: (row["sessions"], row["checkups"]) for row in rows}
