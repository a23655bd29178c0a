"""The Redis hash of a session: a copy for status answers that never goes back, heals, and opens nothing."""

from uuid import UUID

import pytest

from core.clock import clock
from core.names import session_subject
from dev.local.ports import pick_port
from services.collection.errors import SessionNotFound
from services.collection.run_store import locked_run
from services.collection.session_cache import FIELDS, state_of
from services.collection.transitions import note_change
from services.stores import connect_redis
from streams import EventBatch, Projection, StreamPolicy

from .conftest import World


def change(world: World, session_id: str, masked_name: str = "변*경") -> None:
    with world.stores.unit_of_work() as work, locked_run(work, UUID(session_id)) as run:
        run.masked_name = masked_name
        note_change(run, clock.now())


def projection(world: World, session_id: str) -> Projection:
    kind = world.stores.kinds.of(session_subject(session_id))
    with world.stores.sessions() as session:
        made = kind.project(session, session_subject(session_id))
    assert made is not None
    return made


def test_the_state_from_redis_is_that_of_the_row(world: World):
    session_id, _ = world.waiting()
    view = world.stores.directory.read(session_id)
    assert view is not None
    assert world.stores.directory._cached_state(session_id) == state_of(view)


def test_an_older_copy_never_replaces_a_newer_one(world: World):
    session_id = world.start_somebody()
    old = projection(world, session_id)
    change(world, session_id)
    batch = EventBatch(session_subject(session_id), "", 1, [])
    world.stores.streams.append(batch, StreamPolicy(), old)
    assert world.stores.directory.read_state(session_id)["user_name"] == "변*경"


def test_a_change_without_an_event_is_repeated_by_the_sweep(world: World, world_env: dict[str, str]):
    session_id = world.start_somebody()
    with World({**world_env, "REDIS_URL": f"redis://127.0.0.1:{pick_port()}/0"}) as cut_off:
        change(cut_off, session_id)
    assert world.stores.directory.read_state(session_id)["user_name"] != "변*경"
    world.sweep_streams()
    assert world.stores.directory.read_state(session_id)["user_name"] == "변*경"


@pytest.mark.parametrize("damage", ["flushdb", "hdel"])
def test_a_copy_that_is_gone_or_not_whole_is_passed_over(world: World, damage: str):
    session_id = world.start_somebody()
    before = world.stores.directory.read_state(session_id)
    if damage == "flushdb":
        world.stores.redis.flushdb()
    else:
        world.stores.redis.hdel(session_subject(session_id), "counts")
    assert world.stores.directory.read_state(session_id) == before


def test_without_redis_postgresql_answers(world: World, world_env: dict[str, str]):
    session_id = world.start_somebody()
    with World({**world_env, "REDIS_URL": f"redis://127.0.0.1:{pick_port()}/0"}) as cut_off:
        assert cut_off.stores.directory.read_state(session_id) == world.stores.directory.read_state(session_id)


@pytest.mark.parametrize("session_id", ["", "no-uuid", "5b1f0f6e-3a59-4a53-a0a5-7c53d6b0a000"])
def test_an_unknown_session_is_none(world: World, session_id: str):
    assert world.stores.directory.read(session_id) is None


def test_the_copy_opens_nothing(world: World):
    """Whoever may write to Redis still holds no token."""
    session_id, token = world.start_somebody(), "invented"
    world.stores.redis.hset(session_subject(session_id), "token_hash", token)
    with pytest.raises(SessionNotFound):
        world.stores.directory.find(session_id, token)
    assert "token_hash" not in {field.name for field in FIELDS}


def test_the_copy_holds_nothing_personal_in_clear(world: World):
    session_id, _ = world.waiting()
    values = b" ".join(connect_redis(world.settings.stores.redis_url).hgetall(session_subject(session_id)).values())
    for secret in ("정", "01050", "19800102", "1980-01-02", "cx-invented", "req-tx"):
        assert secret.encode() not in values
