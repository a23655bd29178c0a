"""A sealing key that a process was not given is a fault that passes; sealing anew takes an old key out of use."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.clock import clock
from core.names import Status, Step
from core.sealing import Sealer
from services.collection.answers import find_count
from services.collection.files_import import FileImporter
from services.collection.run_engine import claim_run, fail_step
from services.collection.sealed_rows import ResealedRows, count_row_keys, reseal_rows
from services.collection.waiting import take_waiting
from spool import AnswerKind, DataType, Folder, KeptAnswer, Metadata, Package, SealedWithUnknownKey, Spool

from .conftest import OWNER, TOKENS, World

SECOND = timedelta(seconds=1)
OTHER_KEY = bytes(range(1, 33))
STRANGER = Sealer({"other": OTHER_KEY})


@pytest.fixture
def rotated(world: World) -> Sealer:
    """A new key in front, the one of the settings behind it."""
    return Sealer({"new": OTHER_KEY} | world.settings.secrets.sealing_keys)


def reseal(world: World, sealer: Sealer) -> ResealedRows:
    found: ResealedRows = world.unit(reseal_rows, sealer, without=(), limit=100)
    return found


def row_keys(world: World) -> dict[str, int]:
    with world.stores.sessions() as session:
        return dict(count_row_keys(session))


def test_a_run_of_an_unknown_key_is_left_to_who_knows_it(world: World):
    session_id = world.asked()
    foreign = replace(world.tools, sealer=STRANGER)
    with clock.frozen(clock.now()):
        claimed = world.unit(
            claim_run, world.run(session_id).session_id, Step.REQUEST_SIMPLE_AUTH, owner_id=OWNER, tools=foreign
        )
        run = world.run(session_id)
        assert (claimed, run.run_state, run.status, run.attempts) == (None, "ready", Status.AUTH_REQUESTING, 0)
        assert SECOND <= run.not_before - clock.now() <= 60 * SECOND
        clock.advance(60 * SECOND)
        assert world.claim(session_id, Step.REQUEST_SIMPLE_AUTH) is not None
    assert world.event_names(session_id) == []


def test_pauses_for_an_unknown_key_grow_with_the_wait(world: World):
    foreign, pauses = replace(world.tools, sealer=STRANGER), []
    with clock.frozen(clock.now()):
        session_id = world.asked()
        for _ in range(9):
            world.unit(
                claim_run, world.run(session_id).session_id, Step.REQUEST_SIMPLE_AUTH, owner_id=OWNER, tools=foreign
            )
            pauses.append(round((world.run(session_id).not_before - clock.now()).total_seconds()))
            clock.advance(pauses[-1] * SECOND)
    assert pauses == [1, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_step_that_reads_a_file_of_an_unknown_key_spends_no_try(world: World):
    session_id, claim = world.at(Step.FETCH_PRESCRIPTIONS)
    with clock.frozen(clock.now()):
        for _ in range(world.settings.collection.step_max_attempts + 2):
            assert claim is not None
            world.unit(fail_step, claim, SealedWithUnknownKey(), world.tools)
            clock.advance(60 * SECOND)
            claim = world.claim(session_id, Step.FETCH_PRESCRIPTIONS)
    assert world.run(session_id).attempts == 0
    assert "prescription_data_failed" not in world.event_names(session_id)
    assert world.rows("select distinct reason from welno.welno_collection_steps where outcome = 'retrying'") == [
        ("SEALING_KEY_UNKNOWN",)
    ]


def test_a_poller_leaves_what_it_cannot_open_to_another(world: World):
    session_id = world.asked()
    claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
    assert claim is not None
    world.finish(claim)
    unopened: set = set()
    for _ in range(2):
        assert world.unit(take_waiting, OWNER, replace(world.tools, sealer=STRANGER), 10, unopened=unopened) == []
    run = world.run(session_id)
    assert (unopened, run.run_state, run.owner_id) == ({run.session_id}, "waiting", None)
    [taken] = world.unit(take_waiting, OWNER, world.tools, 10)
    assert taken.claim.tokens == TOKENS


DAMAGES: list[Callable[[World], bytes]] = [
    lambda _: b"",
    lambda _: b"WS1",
    lambda _: b"WS1\xff\x00\x01",
    lambda _: bytes(range(256)),
    lambda world: world.stores.sealer.seal(b"no JSON", "elsewhere"),
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("plain", [None, b"[]", b'{"user_name": 1}', b"{"])
def test_one_unreadable_row_keeps_nobody_waiting(world: World, damage: Callable[[World], bytes], plain: bytes | None):
    damaged, healthy = world.asked(), world.asked()
    for session_id in (damaged, healthy):
        claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
        assert claim is not None
        world.finish(claim)
    sealed = damage(world) if plain is None else world.stores.sealer.seal(plain, f"identity:{damaged}")
    query = "update welno.welno_collection_history set identity = :sealed where session_id = :id"
    world.execute(query, sealed=sealed, id=damaged)
    assert sum(row_keys(world).values()) == 4
    taken = world.unit(take_waiting, OWNER, world.tools, 10)
    assert [str(one.claim.session_id) for one in taken] == [healthy]
    assert (world.run(damaged).run_state, world.run(damaged).error_code) == ("idle", "UNREADABLE")


def test_rows_are_sealed_anew_under_those_who_hold_them(world: World, rotated: Sealer):
    session_id, claim = world.at(Step.FETCH_PRESCRIPTIONS)
    assert reseal(world, rotated) == ResealedRows(1)
    assert row_keys(world) == {"new": 2}
    assert reseal(world, rotated) == ResealedRows(0)
    following = world.finish(claim)
    assert following is not None
    assert following.identity == claim.identity
    world.tools = replace(world.tools, sealer=Sealer({"new": OTHER_KEY}))
    world.unit(fail_step, following, SealedWithUnknownKey(), world.tools)
    with clock.frozen(clock.now() + 60 * SECOND):
        again = world.claim(session_id, following.step)
    assert again is not None
    assert (again.identity, again.auth) == (claim.identity, claim.auth)


def test_what_does_not_open_is_told_and_left(world: World, rotated: Sealer):
    session_id = world.start_somebody()
    query = "update welno.welno_collection_history set identity = 'x' where session_id = :id"
    world.execute(query, id=session_id)
    assert reseal(world, rotated) == ResealedRows(0, {world.run(session_id).session_id})
    assert row_keys(world) == {"not sealed": 1}


@pytest.fixture
def foreign_spool(world: World) -> Spool:
    """The same folder, as a process sees it that was not given the key."""
    return Spool(world.settings.files.data_dir, STRANGER, clock)


def test_a_paid_answer_of_an_unknown_key_is_neither_parked_nor_asked_for(world: World, foreign_spool: Spool):
    session_id = world.start_somebody()
    answer = KeptAnswer(b'{"Status": "OK", "ResultList": [{}, {}]}')
    world.tools.spool.put_incoming(session_id, AnswerKind.HEALTH, answer)
    with pytest.raises(SealedWithUnknownKey):
        find_count(foreign_spool, session_id, AnswerKind.HEALTH)
    assert find_count(world.tools.spool, session_id, AnswerKind.HEALTH) == 2


def test_a_package_of_an_unknown_key_waits_for_its_import(world: World, foreign_spool: Spool):
    session_id = world.start_somebody()
    metadata = Metadata(session_id, DataType.HEALTH, "invented", "PEERNINE", clock.now())
    name = world.tools.spool.put_pending(Package(metadata, {"ResultList": []}))
    with clock.frozen(clock.now() + 60 * SECOND):
        FileImporter(foreign_spool, world.stores.sessions, clock).retry_due(orphan_seconds=0)
    told = world.tools.spool.describe(name)
    assert (told.folder, told.retry_count, told.parked) == (Folder.PENDING, 0, False)
