"""The Redis hash of a session: a copy that never goes back, is repaired, opens nothing, and is not believed."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from core.clock import clock
from core.names import session_subject
from dev.local.ports import pick_port
from services.collection.errors import SessionNotFound
from services.collection.run_store import locked_run
from services.collection.session_cache import FIELDS, STATE_FIELDS, state_of
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


def copied_state(world: World, session_id: str) -> dict[str, Any]:
    """The state as somebody reads it who holds the key."""
    fields = connect_redis(world.settings.stores.redis_url).hgetall(session_subject(session_id))
    state: dict[str, Any] = {}
    for field in STATE_FIELDS:
        text = fields[field.name.encode()].decode()
        if field.is_personal:
            text = world.stores.sealer.open_text(text, f"{field.name}:{session_id}")
        state[field.name] = orjson.loads(text) if text == "null" or text[:1] in "{[" else text
    return state


def test_the_state_in_redis_is_that_of_the_row(world: World):
    session_id, _ = world.waiting()
    view = world.stores.directory.read(session_id)
    assert view is not None
    assert copied_state(world, session_id) == state_of(view)


def test_an_older_copy_never_replaces_a_newer_one(world: World):
    session_id = world.start_somebody()
    old = projection(world, session_id)
    change(world, session_id)
    batch = EventBatch(session_subject(session_id), "", 1, [])
    world.stores.streams.append(batch, StreamPolicy(), old)
    assert copied_state(world, session_id)["user_name"] == "변*경"


def test_a_change_without_an_event_is_repeated_by_the_sweep(world: World, world_env: dict[str, str]):
    session_id = world.start_somebody()
    with World({**world_env, "REDIS_URL": f"redis://127.0.0.1:{pick_port()}/0"}) as cut_off:
        change(cut_off, session_id)
    assert copied_state(world, session_id)["user_name"] != "변*경"
    world.sweep_streams()
    assert copied_state(world, session_id)["user_name"] == "변*경"


def test_a_copy_of_another_time_is_not_told(world: World):
    """As after a restore of PostgreSQL: the copy is ahead of the row, and its revision is higher."""
    session_id = world.start_somebody()
    world.stores.redis.hset(session_subject(session_id), mapping={"status": "completed", "revision": 99})
    assert world.stores.directory.read_state(session_id)["status"] == "initiated"


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
