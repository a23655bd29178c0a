"""Runs whose consents end: they ask nobody any more and say why; what was collected before an expiry is saved, saved
records stay, reports have a consent of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from core.clock import clock
from core.names import Status, Step
from models.patients import CampaignPayment, ConsentKind
from models.patients.consents import COLLECTING_KINDS
from services.collection.consents import withdraw_consent
from services.collection.run_engine import fail_step, finish_steps, record_approval
from services.collection.run_store import ClaimOutdated
from services.collection.step import Claim
from services.collection.sweep import give_up_run
from services.collection.waiting import end_without_consent, take_waiting
from services.patients.consents import ConsentNotHeld, expire_consents
from services.patients.identity import Identity
from spool import AnswerKind, KeptAnswer
from upstream.tilko.errors import AnswerUnreadable

from .conftest import OWNER, RESULTS, World
from .driver import REPORT, make_identity

ASKING_STEPS = [Step.REQUEST_SIMPLE_AUTH, Step.FETCH_HEALTH_DATA, Step.FETCH_PRESCRIPTIONS]


@contextmanager
def a_year_later() -> Iterator[None]:
    with clock.frozen(clock.now() + timedelta(days=366)):
        yield


def goes_to(world: World, identity: Identity, step: Step) -> tuple[str, Claim]:
    """A session of this person that a worker holds at this step."""
    session_id = world.start(identity, redirect_path=REPORT)
    world.ask_auth(session_id)
    claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
    assert claim is not None
    if step != Step.REQUEST_SIMPLE_AUTH:
        world.finish(claim)
        taken = world.unit(take_waiting, OWNER, world.tools, 1000)
        polled = next(one.claim for one in taken if str(one.claim.session_id) == session_id)
        world.unit(record_approval, polled, 2, world.tools)
        claim = world.claim(session_id, Step.FETCH_HEALTH_DATA)
    while claim is not None and claim.step != step:
        claim = world.finish(claim)
    assert claim is not None
    return session_id, claim


def withdraw(world: World, session_id: str, kind: ConsentKind) -> int:
    """By the patient whom this session identified."""
    patient_uuid = world.run(session_id).patient_uuid
    ended: int = world.unit(withdraw_consent, world.stores.consents, patient_uuid, kind, now=clock.now())
    return ended


def assert_stopped(world: World, session_id: str, code: str) -> None:
    run = world.run(session_id)
    assert (run.run_state, run.status, run.error_code) == ("ended", Status.CANCELLED, code)
    assert (run.identity, run.auth) == (None, None)
    last = world.events(session_id)[-1]
    assert (last["status"], last["data"]["code"]) == ("cancelled", code)
    assert "동의" in last["message"]


def test_a_run_knows_until_when_its_consents_hold(world: World):
    session_id = world.start_somebody()
    query = "select distinct expires_at from welno.welno_consents where session_id = :id"
    assert world.run(session_id).consents_until == world.value(query, id=session_id)


@pytest.mark.parametrize("step", [Step.REQUEST_SIMPLE_AUTH, Step.FETCH_HEALTH_DATA])
def test_nothing_is_asked_of_the_provider_once_the_consents_have_expired(world: World, step: Step):
    session_id, claim = goes_to(world, make_identity(), step)
    world.unit(fail_step, claim, OSError("passing"), world.tools)
    with a_year_later():
        assert world.claim(session_id, step) is None
    assert_stopped(world, session_id, "CONSENT_EXPIRED")


def assert_saving_without_prescriptions(world: World, session_id: str) -> None:
    told = next(event for event in world.events(session_id) if event["type"] == "prescription_data_failed")
    assert (told["data"], "동의한 기간" in told["message"]) == ({"code": "CONSENT_EXPIRED"}, True)
    run = world.run(session_id)
    assert (run.health_count, run.prescription_count, run.prescriptions_failed) == (2, None, True)


def test_checkups_that_came_before_the_consents_ended_are_saved_without_prescriptions(world: World):
    session_id, claim = goes_to(world, make_identity(), Step.FETCH_HEALTH_DATA)
    with a_year_later():
        following = world.unit(finish_steps, claim, 2, world.tools).following
        assert following.step == Step.SAVE_FILES
        assert_saving_without_prescriptions(world, session_id)
        while following is not None:
            following = world.finish(following)
    assert world.run(session_id).status == Status.COMPLETED
    assert world.events(session_id)[-1]["data"]["counts"] == {"health_data": 2, "prescription_data": None}


def test_checkups_of_a_run_that_waits_for_its_prescriptions_are_saved(world: World):
    session_id, claim = goes_to(world, make_identity(), Step.FETCH_PRESCRIPTIONS)
    world.unit(fail_step, claim, OSError("passing"), world.tools)
    with a_year_later():
        assert world.claim(session_id, Step.FETCH_PRESCRIPTIONS) is None
        assert_saving_without_prescriptions(world, session_id)
        identified = world.claim(session_id, Step.IDENTIFY_PATIENT)
        assert identified is not None
        assert world.finish(identified) is not None


def test_without_checkups_the_consents_end_takes_the_run_with_it(world: World):
    session_id, claim = goes_to(world, make_identity(), Step.FETCH_HEALTH_DATA)
    with a_year_later():
        world.unit(fail_step, claim, AnswerUnreadable(reason="not_json"), world.tools)
    assert_stopped(world, session_id, "CONSENT_EXPIRED")


@pytest.mark.parametrize(
    ("step", "kind"),
    [(Step.FETCH_HEALTH_DATA, AnswerKind.HEALTH), (Step.FETCH_PRESCRIPTIONS, AnswerKind.PRESCRIPTION)],
)
def test_an_answer_on_disk_is_read_after_the_consents_have_ended(world: World, step: Step, kind: AnswerKind):
    """Its process was lost before it could note what had come."""
    session_id, claim = goes_to(world, make_identity(), step)
    world.unit(fail_step, claim, OSError("passing"), world.tools)
    world.tools.spool.put_incoming(session_id, kind, KeptAnswer(b'{"Status":"OK","ResultList":[{}]}'))
    with a_year_later():
        again = world.claim(session_id, step)
        assert again is not None
        assert world.tools.handlers[step].run(again) == 1


def test_a_call_that_may_be_under_way_is_waited_for_though_the_consents_have_ended(world: World):
    session_id, claim = goes_to(world, make_identity(), Step.FETCH_PRESCRIPTIONS)
    world.unit(give_up_run, claim.session_id, OWNER, clock.now())
    assert world.run(session_id).call_until is not None
    with a_year_later():
        assert world.claim(session_id, Step.FETCH_PRESCRIPTIONS) is None
    run = world.run(session_id)
    assert (run.run_state, run.step, run.prescriptions_failed) == ("ready", Step.FETCH_PRESCRIPTIONS, False)


def test_what_was_collected_while_the_consents_held_is_saved(world: World):
    _, claim = goes_to(world, make_identity(), Step.FETCH_PRESCRIPTIONS)
    with a_year_later():
        settled = world.unit(finish_steps, claim, 3, world.tools)
    assert settled.following.step == Step.SAVE_FILES


def test_the_wait_for_the_phone_ends_with_the_consents(world: World):
    session_id, claim = world.waiting()
    world.unit(end_without_consent, claim, world.tools)
    assert_stopped(world, session_id, "CONSENT_EXPIRED")


def test_a_session_from_before_there_were_consents_has_none(world: World):
    session_id = world.asked()
    world.execute("update welno.welno_collection_history set consents_until = null where session_id = :i", i=session_id)
    assert world.claim(session_id, Step.REQUEST_SIMPLE_AUTH) is None
    assert_stopped(world, session_id, "CONSENT_EXPIRED")


@pytest.mark.parametrize("kind", sorted(COLLECTING_KINDS))
def test_withdrawal_stops_a_run_at_its_next_step(world: World, kind: ConsentKind):
    session_id, claim = goes_to(world, make_identity(), Step.SAVE_FILES)
    assert withdraw(world, session_id, kind) == 1
    with pytest.raises(ClaimOutdated):
        world.unit(finish_steps, claim, RESULTS.get(claim.step), world.tools)
    assert_stopped(world, session_id, "CONSENT_WITHDRAWN")


def test_withdrawal_again_ends_and_tells_nothing(world: World):
    session_id, _ = goes_to(world, make_identity(), Step.SAVE_FILES)
    withdraw(world, session_id, ConsentKind.SENSITIVE)
    told = world.event_names(session_id)
    assert withdraw(world, session_id, ConsentKind.SENSITIVE) == 0
    assert world.event_names(session_id) == told


@pytest.mark.parametrize("step", ASKING_STEPS)
def test_withdrawal_also_stops_a_run_that_has_not_identified_the_person_yet(world: World, step: Step):
    person = make_identity()
    first, _ = goes_to(world, person, Step.SAVE_FILES)
    second, claim = goes_to(world, person, step)
    assert withdraw(world, first, ConsentKind.COLLECTION) == 2
    assert_stopped(world, second, "CONSENT_WITHDRAWN")
    with pytest.raises(ClaimOutdated):
        world.unit(finish_steps, claim, RESULTS[step], world.tools)


def test_withdrawal_stops_nobody_elses_run(world: World):
    mine, _ = goes_to(world, make_identity(), Step.SAVE_FILES)
    theirs, claim = goes_to(world, make_identity(), Step.SAVE_FILES)
    withdraw(world, mine, ConsentKind.SENSITIVE)
    assert world.finish(claim) is not None
    assert world.run(theirs).status == Status.SAVING


def test_a_start_after_the_withdrawal_brings_consents_of_its_own(world: World):
    person = make_identity()
    first, _ = goes_to(world, person, Step.SAVE_FILES)
    withdraw(world, first, ConsentKind.SENSITIVE)
    second, claim = goes_to(world, person, Step.SAVE_FILES)
    assert world.finish(claim) is not None
    assert world.run(second).patient_uuid == world.run(first).patient_uuid


def test_a_consent_of_an_earlier_session_does_not_carry_a_later_one(world: World):
    person = make_identity()
    goes_to(world, person, Step.SAVE_FILES)
    later = world.start(person)
    world.ask_auth(later)
    world.execute("delete from welno.welno_consents where session_id = :i", i=later)
    world.execute("update welno.welno_collection_history set consents_until = null where session_id = :i", i=later)
    assert world.claim(later, Step.REQUEST_SIMPLE_AUTH) is None


def test_withdrawing_the_consent_to_the_report_stops_the_report_alone(world: World):
    session_id, claim = goes_to(world, make_identity(), Step.IMPORT_FILES)
    assert withdraw(world, session_id, ConsentKind.THIRD_PARTY_MEDIARC) == 1
    following = world.finish(claim)
    assert following is not None
    assert following.step == Step.MAKE_REPORT
    with pytest.raises(ConsentNotHeld) as refused:
        world.tools.handlers[Step.MAKE_REPORT].run(following)
    last = world.unit(fail_step, following, refused.value, world.tools).following
    assert last is not None
    world.finish(last)
    assert world.run(session_id).status == Status.COMPLETED
    failed = next(event for event in world.events(session_id) if event["type"] == "mediarc_failed")
    assert failed["data"]["code"] == "CONSENT_MISSING"


def test_the_step_that_identifies_the_patient_notes_whose_the_consents_are(world: World):
    session_id, _ = goes_to(world, make_identity(), Step.SAVE_FILES)
    run = world.run(session_id)
    rows = world.rows("select patient_uuid from welno.welno_consents where session_id = :i", i=session_id)
    assert {row.patient_uuid for row in rows} == {run.patient_uuid}
    [agreement] = world.rows("select * from welno.tb_wello_terms_agreement where session_id = :i", i=session_id)
    assert (agreement.patient_uuid, agreement.terms_expires_at) == (run.patient_uuid, run.consents_until)


@pytest.mark.parametrize("is_noted", [False, True])
def test_a_report_that_lacks_a_consent_whose_time_is_over_is_not_told_as_withdrawn(world: World, is_noted: bool):
    session_id, claim = goes_to(world, make_identity(), Step.MAKE_REPORT)
    passed = "update welno.welno_consents set given_at = now() - interval '2 days', expires_at = now() where "
    world.execute(passed + "session_id = :i and kind = 'third_party_mediarc'", i=session_id)
    if is_noted:
        world.unit(lambda work: expire_consents(work.session))
    with pytest.raises(ConsentNotHeld) as refused:
        world.tools.handlers[Step.MAKE_REPORT].run(claim)
    world.unit(fail_step, claim, refused.value, world.tools)
    failed = next(event for event in world.events(session_id) if event["type"] == "mediarc_failed")
    assert failed["data"]["code"] == "CONSENT_EXPIRED"
    assert "동의한 기간" in failed["message"]


@pytest.mark.parametrize(("bought_by", "kept"), [("themselves", True), ("somebody else", False), (None, False)])
def test_their_own_order_alone_is_noted_with_what_they_agreed_to(world: World, bought_by: str | None, kept: bool):
    """An oid stands in links: a session that names another's order, or none that there is, attaches nothing."""
    oid = f"ORDER-{uuid4().hex[:8]}"
    identity = make_identity(oid=oid)
    buyer = {"themselves": identity, "somebody else": make_identity()}.get(bought_by or "")
    if buyer is not None:
        with world.stores.unit_of_work() as work:
            who = {"user_name": buyer.user_name, "birth_date": buyer.birthdate, "user_phone": buyer.phone_no}
            work.session.add(CampaignPayment(oid=oid, **who))
    session_id, _ = goes_to(world, identity, Step.SAVE_FILES)
    [agreement] = world.rows("select oid from welno.tb_wello_terms_agreement where session_id = :i", i=session_id)
    assert agreement.oid == (oid if kept else None)
