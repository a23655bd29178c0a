"""Orders: moved by their own buyer's session, and by nobody else's."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from models.patients import CampaignPayment, PipelineStep
from services.collection.campaigns import find_own_order, move_order
from services.patients.identification import identify_patient

from .conftest import BUYER, NOW, MakeIdentity


def test_an_unknown_order_is_no_fault(db_session: Session, make_identity: MakeIdentity) -> None:
    step = PipelineStep.TILKO_SYNCING
    assert not move_order(db_session, "NO-SUCH", step, identity=make_identity(), now=NOW)
    assert not move_order(db_session, None, step, identity=make_identity(), now=NOW)
    assert find_own_order(db_session, make_identity(oid="NO-SUCH")) is None
    assert find_own_order(db_session, make_identity()) is None


def test_an_order_moves_and_gets_its_patient(db_session: Session, make_identity: MakeIdentity) -> None:
    db_session.add(CampaignPayment(**(BUYER | {"user_name": "김하늘-웰로", "user_phone": "+82 10-1234-5678"})))
    uuid = identify_patient(db_session, make_identity(), uuid4(), NOW).uuid
    step = PipelineStep.DATA_COLLECTED
    assert move_order(db_session, "ORDER-1", step, identity=make_identity(), now=NOW, patient_uuid=uuid)
    order = db_session.get_one(CampaignPayment, "ORDER-1")
    assert (order.pipeline_step, order.patient_uuid) == ("DATA_COLLECTED", uuid)


def test_a_late_repetition_takes_nothing_back(db_session: Session, make_identity: MakeIdentity) -> None:
    db_session.add(CampaignPayment(**BUYER, pipeline_step="REPORT_COMPLETED"))
    assert move_order(db_session, "ORDER-1", PipelineStep.DATA_COLLECTED, identity=make_identity(), now=NOW)
    assert db_session.get_one(CampaignPayment, "ORDER-1").pipeline_step == "REPORT_COMPLETED"


def test_a_new_run_starts_the_order_again(db_session: Session, make_identity: MakeIdentity) -> None:
    db_session.add(CampaignPayment(**BUYER, pipeline_step="REPORT_FAILED"))
    step = PipelineStep.TILKO_SYNCING
    assert move_order(db_session, "ORDER-1", step, identity=make_identity(), now=NOW, new_run=True)
    assert db_session.get_one(CampaignPayment, "ORDER-1").pipeline_step == "TILKO_SYNCING"


@pytest.mark.parametrize(
    "buyer",
    [
        {"user_name": "이바다"},
        {"birth_date": date(1990, 1, 1)},
        {"user_phone": "01099990000"},
        {"user_name": None},
        {"birth_date": None},
        {"user_phone": None},
    ],
)
def test_an_order_that_does_not_name_this_buyer_in_full_does_not_move(
    db_session: Session, make_identity: MakeIdentity, buyer: dict[str, object]
) -> None:
    db_session.add(CampaignPayment(**(BUYER | buyer)))
    step = PipelineStep.TILKO_SYNCING
    assert not move_order(db_session, "ORDER-1", step, identity=make_identity(), now=NOW, new_run=True)
    assert db_session.get_one(CampaignPayment, "ORDER-1").pipeline_step is None
    assert find_own_order(db_session, make_identity(oid="ORDER-1")) is None


def test_an_order_of_another_patient_does_not_move(db_session: Session, make_identity: MakeIdentity) -> None:
    other = identify_patient(db_session, make_identity(user_name="이바다"), uuid4(), NOW).uuid
    db_session.add(CampaignPayment(**BUYER, patient_uuid=other))
    step = PipelineStep.TILKO_SYNCING
    assert not move_order(db_session, "ORDER-1", step, identity=make_identity(), now=NOW)
    assert db_session.get_one(CampaignPayment, "ORDER-1").patient_uuid == other
    assert find_own_order(db_session, make_identity(oid="ORDER-1")) is None


def test_a_buyer_s_own_order_is_found(db_session: Session, make_identity: MakeIdentity) -> None:
    db_session.add(CampaignPayment(**BUYER))
    assert find_own_order(db_session, make_identity(oid="ORDER-1")) == "ORDER-1"
