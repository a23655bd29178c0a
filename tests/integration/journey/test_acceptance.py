"""From the door and back, as section 15 of the journey walks it."""

from uuid import UUID

from core.names import JourneyEvent
from models.journey import JourneyState
from services.journey.actions import perform_action
from services.journey.calling import recall
from tests.integration.journey.ward import BLOOD, TAG_CODE, XRAY, Ward


def test_a_day_in_the_hospital(ward: Ward):
    person = ward.patient(BLOOD, XRAY)
    assert person.act("scan_nfc", {"tag_code": TAG_CODE})["available_actions"] == ["register"]
    registered = person.act("register")
    assert (registered["journey_state"], registered["next_appointment"]["exam_id"]) == ("REGISTERED", BLOOD)
    waiting = person.act("confirm_arrival")
    [entry] = waiting["queue_details"]
    assert (entry["exam_id"], entry["queue_number"], entry["position"], entry["ahead"]) == (BLOOD, 1, 1, 0)
    assert entry["estimate"]["minutes"] == entry["estimated_wait_time"] == 0
    called = ward.call_next().body
    assert (called["queue"]["state"], called["patient"]["user_id"]) == ("called", str(person.user_id))
    assert [event["type"] for event in person.events()[-2:]] == [JourneyEvent.STATE_UPDATE, JourneyEvent.PATIENT_CALLED]
    missed = person.act("mark_no_show", by=ward.desk)
    assert (missed["journey_state"], missed["queue_details"][0]["queue_number"]) == ("WAITING", 1)
    ward.call_next()
    ward.advance(seconds=30)
    again = ward.run(recall, UUID(entry["queue_id"]), ward.desk).body
    assert again["queue"]["call_count"] == 2
    person.act("enter_exam_room")
    ward.advance(minutes=5)
    completed = person.act("complete_exam", by=ward.desk)
    assert (completed["journey_state"], completed["next_appointment"]["exam_id"]) == ("COMPLETED", XRAY)
    assert completed["guidance"]["to"]["room_id"] == "R-102"
    person.act("confirm_arrival", {"exam_id": XRAY})
    ward.call_next(XRAY)
    person.act("enter_exam_room")
    person.act("complete_exam")
    assert person.act("make_payment", key="pay-1")["journey_state"] == "PAYMENT"
    assert person.act("make_payment", key="pay-1")["journey_state"] == "PAYMENT"
    assert person.act("make_payment", state=JourneyState.PAYMENT)["journey_state"] == "FINISHED"
    left = person.act("leave_hospital")
    assert (left["journey_state"], left["visit_id"], left["queue_details"]) == ("UNREGISTERED", None, [])
    assert left["last_seq"] == person.events()[-1]["seq"]


def test_two_actions_in_one_transaction_are_two_numbers_of_one_stream(ward: Ward):
    """As at a login: the scan is claimed, and the person registered, or neither."""
    person = ward.patient()
    with ward.stores.unit_of_work() as work:
        journey = ward.stores.journeys.open(work, "request-1")
        perform_action(journey, person.user_id, "scan_nfc", {"tag_code": TAG_CODE}, person.actor)
        body = perform_action(journey, person.user_id, "register", {}, person.actor).body
    events = person.events()
    assert [event["payload"]["last_seq"] for event in events] == [event["seq"] for event in events] == [1, 2]
    assert (body["journey_state"], body["last_seq"]) == ("REGISTERED", 2)
