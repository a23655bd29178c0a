"""What was collected goes to disk part by part: one that cannot be saved is set aside and told, and stops no other."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from core.names import Status, Step
from services.collection.requests import Asked
from services.collection.run_engine import Settled, fail_step, finish_steps
from services.collection.step import Claim
from spool import AnswerKind, DataType, KeptAnswer, Package
from upstream.tilko.errors import AnswerUnreadable

from .conftest import World

DEEP_ROW = b'{"Year":"2021","Odd":' + b"[" * 300 + b"]" * 300 + b"}"
CHECKUPS = b'{"Status":"OK","ResultList":[{"Year":"2023"},' + DEEP_ROW + b"]}"
TREATMENTS = b'{"Status":"OK","ResultList":[{"ByungEuiwonYakGukMyung":"a"},{},{}]}'
REFUSED = b'{"Status":"Error","Message":"x","ResultList":null}'


def collected(world: World, health: bytes | None, prescriptions: bytes | None) -> tuple[str, Claim]:
    """A run that is about to save what lies in incoming/."""
    session_id, claim = world.at(Step.SAVE_FILES)
    for kind, body in ((AnswerKind.HEALTH, health), (AnswerKind.PRESCRIPTION, prescriptions)):
        if body is not None:
            world.tools.spool.put_incoming(session_id, kind, KeptAnswer(body))
    return session_id, claim


def save(world: World, claim: Claim, step: Step = Step.SAVE_FILES) -> Claim | None:
    """As a worker does, who goes on with the claim that this gives."""
    try:
        result = world.tools.handlers[step].run(claim)
    except Exception as exc:  # noqa: BLE001 whatever it is, the run must say so
        world.unit(fail_step, claim, exc, world.tools)
        return None
    settled: Settled = world.unit(finish_steps, claim, result, world.tools)
    return settled.following


def spoil(world: World, session_id: str, kind: AnswerKind) -> None:
    [path] = world.settings.files.data_dir.rglob(f"incoming/{session_id}_{kind}.raw")
    stored = bytearray(path.read_bytes())
    stored[-1] ^= 1
    path.write_bytes(stored)


def packages(world: World, session_id: str) -> dict[DataType, Package]:
    spool = world.tools.spool
    return {DataType(info.data_type): spool.export(info.name) for info in spool.names_of(session_id) if not info.parked}


def parked(world: World, session_id: str) -> list[str]:
    names = [name for kind in AnswerKind for name in world.tools.spool.find_parked(session_id, kind)]
    return [str(world.tools.spool.describe(name).last_error) for name in names]


def test_a_row_that_no_package_can_hold_is_one_bad_row(world: World):
    session_id, claim = collected(world, CHECKUPS, TREATMENTS)
    save(world, claim)
    assert packages(world, session_id)[DataType.HEALTH].raw_data["ResultList"] == [{"Year": "2023"}, None]
    assert parked(world, session_id) == []
    imported = world.tools.importer.import_session(session_id).imported
    assert {kind: (result.inserted, result.skipped) for kind, result in imported.items()} == {
        DataType.PATIENT: (0, 0),
        DataType.HEALTH: (1, 1),
        DataType.PRESCRIPTION: (3, 0),
    }


@pytest.mark.parametrize("served", [{"Year": "2023"}, [{"Year": "2023"}]])
def test_what_no_package_can_hold_beside_the_rows_is_left_out(world: World, served: Any):
    body = orjson.dumps({"Status": "OK", "ResultList": served})[:-1] + b',"Odd":' + DEEP_ROW + b"}"
    session_id, claim = collected(world, body, None)
    save(world, claim)
    answer = packages(world, session_id)[DataType.HEALTH].raw_data
    assert answer == {"Status": "OK", "ResultList": [{"Year": "2023"}], "Odd": None}


def test_an_answer_that_the_disk_has_spoilt_stops_no_other(world: World):
    session_id, claim = collected(world, CHECKUPS, TREATMENTS)
    spoil(world, session_id, AnswerKind.PRESCRIPTION)
    save(world, claim)
    run = world.run(session_id)
    assert (run.step, run.prescriptions_failed, run.prescription_count) == (Step.IMPORT_FILES, True, None)
    assert (run.health_failed, run.health_count) == (False, 2)
    assert list(packages(world, session_id)) == [DataType.PATIENT, DataType.HEALTH]
    assert parked(world, session_id) == ["damaged_sealed"]
    event = world.events(session_id)[-1]
    assert (event["type"], event["data"]) == ("prescription_data_failed", {"code": "ANSWER_UNREADABLE"})


def test_checkups_that_cannot_be_saved_leave_the_prescriptions_and_no_report(world: World):
    session_id, claim = collected(world, REFUSED, TREATMENTS)
    save(world, claim)
    run = world.run(session_id)
    assert (run.health_failed, run.health_count, run.prescription_count) == (True, None, 3)
    assert list(packages(world, session_id)) == [DataType.PATIENT, DataType.PRESCRIPTION]
    assert world.event_names(session_id)[-1] == "health_data_failed"


def test_unreadable_checkups_of_a_poller_that_was_killed_before_it_parked_them_are_parked(world: World):
    session_id, claim = collected(world, b'{"Status":"OK","ResultList":[{"Ye', TREATMENTS)
    world.execute(
        "update welno.welno_collection_history set health_failed = true, health_count = null where session_id = :id",
        id=session_id,
    )
    assert claim.run is not None
    claim.run.health_failed, claim.run.health_count = True, None
    claim = replace(claim, health_failed=True, health_count=None)
    told = world.event_names(session_id)
    save(world, claim)
    assert (world.run(session_id).step, parked(world, session_id)) == (Step.IMPORT_FILES, ["answer_not_json"])
    assert world.event_names(session_id) == told  # it was said when it came


def test_what_a_lost_process_has_parked_is_told_by_who_follows(world: World):
    session_id, claim = collected(world, CHECKUPS, TREATMENTS)
    world.tools.spool.park_incoming(session_id, AnswerKind.HEALTH, "damaged_sealed")
    save(world, claim)
    assert (world.run(session_id).health_failed, world.event_names(session_id)[-1]) == (True, "health_data_failed")


def test_when_no_part_can_be_saved_nothing_was_collected(world: World):
    session_id, claim = collected(world, REFUSED, REFUSED)
    save(world, claim)
    run = world.run(session_id)
    assert (run.status, run.run_state, run.step) == (Status.ERROR, "idle", Step.FETCH_PRESCRIPTIONS)
    assert world.events(session_id)[-1]["data"]["reason"] == "data_collection_failed"
    assert len(parked(world, session_id)) == 2


def test_who_collects_again_after_that_buys_nothing_again(world: World):
    session_id, claim = collected(world, REFUSED, REFUSED)
    save(world, claim)
    assert world.ask_collection(session_id) is Asked.ACCEPTED
    again = world.claim(session_id, Step.FETCH_HEALTH_DATA)
    assert again is not None
    with pytest.raises(AnswerUnreadable):
        world.tools.handlers[Step.FETCH_HEALTH_DATA].run(again)


def saved(world: World) -> tuple[str, Claim]:
    """A run that is about to import what lies in pending/."""
    session_id, claim = collected(world, CHECKUPS, TREATMENTS)
    following = save(world, claim)
    assert following is not None
    return session_id, following


def lose(world: World, *patterns: str) -> None:
    """As with the disk on which they lay."""
    for pattern in patterns:
        for path in list(world.settings.files.data_dir.rglob(pattern)):
            path.unlink()


def test_a_package_that_its_store_has_lost_is_told_as_failed(world: World):
    session_id, claim = saved(world)
    lose(world, f"pending/*{session_id}_health_data.json", f"incoming/{session_id}_*.raw")
    save(world, claim, Step.IMPORT_FILES)
    run = world.run(session_id)
    assert (run.health_failed, run.health_count, run.prescription_count) == (True, None, 3)
    assert run.saved_at is not None
    assert "health_data_failed" in world.event_names(session_id)


def test_an_answer_whose_package_alone_is_lost_stays_where_it_is(world: World):
    session_id, claim = saved(world)
    lose(world, f"pending/*{session_id}_health_data.json")
    save(world, claim, Step.IMPORT_FILES)
    assert world.tools.spool.find_incoming(session_id, AnswerKind.HEALTH) is not None
    assert world.tools.spool.find_incoming(session_id, AnswerKind.PRESCRIPTION) is None


def test_without_any_package_nothing_was_collected_and_who_collects_again_asks_anew(world: World):
    session_id, claim = saved(world)
    lose(world, "pending/*.json", "incoming/*.raw", ".sessions/*")
    save(world, claim, Step.IMPORT_FILES)
    run = world.run(session_id)
    assert (run.status, run.run_state, run.step) == (Status.ERROR, "idle", Step.FETCH_PRESCRIPTIONS)
    assert world.events(session_id)[-1]["data"]["reason"] == "data_collection_failed"
    assert world.ask_collection(session_id) is Asked.ACCEPTED
    again = world.claim(session_id, Step.FETCH_HEALTH_DATA)
    assert again is not None
    assert (again.health_count, again.prescription_count) == (None, None)


def test_a_package_that_was_imported_before_it_was_lost_is_not_missed(world: World):
    session_id, claim = saved(world)
    world.tools.importer.import_session(session_id)
    lose(world, f"completed/*/*/*/*{session_id}_*.json", f"incoming/{session_id}_*.raw")
    save(world, claim, Step.IMPORT_FILES)
    run = world.run(session_id)
    assert (run.health_failed, run.health_count, run.prescription_count) == (False, 2, 3)
