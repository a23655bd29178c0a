"""Pushing over HTTP: results, the body's bounds, the rate of a device, what a sender is told to slow down by."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask import Flask
from prometheus_client import REGISTRY
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from core.settings import Settings
from dev.local.valkey import EmbeddedValkey
from services.delivery.event_sweep import StreamSweep
from tests.integration.conftest import AppOf
from tests.thread_devices import ClientDevice
from tests.waiting import wait_until
from webapp.api.threads import pushing
from webapp.current import parts
from webapp.limits import count_use

from .members import API, Member, Talk


@pytest.fixture
def no_commit_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit on a busy machine takes as long as one on a server that is overloaded."""
    monkeypatch.setattr(pushing, "_SLOW_COMMIT_SECONDS", 60)


@pytest.mark.usefixtures("no_commit_is_slow")
def test_results_are_told_in_order_with_ids_and_codes(talk: Talk, patient: Member):
    good = talk.envelope(patient)
    late = talk.envelope(patient, clientSeq=5)
    bad = good | {"dedupeId": "b" * 8 + "-0000-4000-8000-000000000000"}
    answer = patient.push(good, bad, late, good, 7)
    assert answer.status_code == 200
    assert answer.json["backpressure"] == {"level": "none", "retryAfterMs": 0, "maxBatch": 100}
    first, second, third, fourth, fifth = answer.json["results"]
    ids = {"dedupeId": good["dedupeId"], "threadId": talk.id}
    assert first == ids | {"status": "accepted", "seq": 2}
    assert (second["status"], second["code"], second["dedupeId"]) == ("rejected", "BAD_SIGNATURE", bad["dedupeId"])
    assert second["message"]
    assert (third["status"], third["gap"]) == ("accepted", {"from": 2, "to": 4})
    assert fourth == ids | {"status": "duplicate", "seq": 2}
    assert fifth.keys() == {"status", "code", "message"}
    [gap] = patient.get(f"/{talk.id}/status").json["gaps"]
    assert gap == {"clientId": patient.device.device_id, "from": 2, "to": 4}


def test_ids_are_echoed_whole(patient: Member):
    ids = {"dedupeId": "d" * 500, "threadId": "t" * 500}
    [result] = patient.push(ids).json["results"]
    assert (ids.items() <= result.items(), result["code"]) == (True, "INVALID_ENVELOPE")


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        ("kind", r'"\u0000"'),
        ("dedupeId", r'"\ud83c"'),
        ("clientSeq", "1" + "0" * 24),
        ("clientSeq", "1e400"),
        ("clientSeq", "NaN"),
        ("enc", '{"alg": "A256GCM", "alg": "A256GCM"}'),
        ("kind", "[" * 13 + "]" * 13),
    ],
)
def test_one_that_no_json_of_ours_may_hold_blocks_no_other(talk: Talk, patient: Member, field: str, odd: str):
    good, bad = talk.envelope(patient), talk.envelope(patient)
    told = json.dumps({"envelopes": [good, bad | {field: "ODD"}]}).replace('"ODD"', odd)
    answer = patient.ask("POST", "/push-batch", data=told, content_type="application/json")
    assert answer.status_code == 200
    first, second = answer.json["results"]
    assert (first["status"], second["code"]) == ("accepted", "INVALID_ENVELOPE")


@pytest.mark.parametrize(
    "told",
    ['{"envelopes": [], "envelopes": [{}]}', '{"envelopes": [' + "[" * 16 + "]" * 16 + "]}", '{"envelopes": [{]}'],
)
def test_a_frame_that_no_json_of_ours_may_be_is_refused_as_a_whole(patient: Member, told: str):
    answer = patient.ask("POST", "/push-batch", data=told, content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "VALIDATION_FAILED")


@pytest.mark.parametrize("body", [{}, {"envelopes": []}, {"envelopes": {}}, [], {"envelopes": [1], "more": 1}, None])
def test_what_is_no_batch_is_refused(patient: Member, body: Any):
    assert patient.post("/push-batch", body).status_code == 400


def test_a_batch_has_bounds(talk: Talk, patient: Member):
    assert patient.push(*[{}] * 101).status_code == 413
    assert patient.push(*[{}] * 100).status_code == 200
    large = [talk.envelope(patient, plaintext=b"x" * 40_000) for _ in range(20)]
    assert patient.push(*large).status_code == 413
    assert patient.push(*large[:19]).status_code == 200
    assert patient.push("x" * 1024 * 1024).status_code == 413
    assert patient.post(f"/{talk.id}/ack", {"seq": 1, "more": "x" * 65_536}).status_code == 413


def test_a_payload_beyond_the_bound_is_too_large(talk: Talk, patient: Member):
    fits, beyond = (talk.envelope(patient, plaintext=b"x" * (40_960 - 16 + more)) for more in (0, 1))
    results = patient.push(fits, beyond).json["results"]
    assert [one.get("code") for one in results] == [None, "TOO_LARGE"]


def test_the_rate_counts_envelopes_of_a_device_and_takes_all_or_nothing(talk: Talk, nurse: Member, patient: Member):
    for _ in range(2):
        assert patient.push(*(talk.envelope(patient) for _ in range(90))).status_code == 200
    beyond = [talk.envelope(patient) for _ in range(30)]
    refused = patient.push(*beyond)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    pressure = refused.json["error"]["details"]["backpressure"]
    assert (pressure["level"], pressure["maxBatch"]) == ("stop", 100)
    assert len(talk.items(nurse)) == 181
    last = patient.push(*beyond[:20])
    assert last.json["backpressure"]["level"] == "slow"
    assert last.json["backpressure"]["maxBatch"] == 50
    assert talk.say(nurse, 1) == [202]


@pytest.mark.usefixtures("no_commit_is_slow")
def test_a_batch_that_one_device_may_not_send_is_counted_for_none(app: Flask, talk: Talk, patient: Member):
    tablet = ClientDevice(patient.member)
    patient.register(tablet)
    patient.post(f"/devices/{tablet.device_id}/approve", patient.device.approval_of(tablet))
    both = [talk.envelope(patient) for _ in range(50)]
    both += [tablet.envelope(talk.id, "k1", talk.secrets["k1"]) for _ in range(50)]
    with app.app_context():
        count_use(parts(app).stores.settings.threads.rate, "thread-push", tablet.device_id, 180)
    for _ in range(5):
        assert patient.push(*both).status_code == 429
    alone = patient.push(*both[:50])
    assert (alone.status_code, alone.json["backpressure"]["level"]) == (200, "none")


def test_a_stream_that_is_damaged_costs_no_answer(talk: Talk, patient: Member, redis_client: redis.Redis):
    key = f"stream:{{thread:{talk.id}}}:meta"
    redis_client.delete(key)
    redis_client.set(key, "no hash")
    answer = patient.push(talk.envelope(patient))
    assert (answer.status_code, answer.json["results"][0]["status"]) == (200, "accepted")
    assert answer.json["backpressure"]["level"] == "slow"


def test_redis_that_goes_between_the_commit_and_the_append_costs_no_answer(
    app: Flask, talk: Talk, nurse: Member, patient: Member, engine: Engine, valkey: EmbeddedValkey
):
    envelope, here = talk.envelope(patient), parts(app).stores
    with ThreadPoolExecutor(1) as pool:
        try:
            with engine.begin() as connection:
                connection.execute(text("select 1 from welno.welno_threads where id = :id for update"), {"id": talk.id})
                pushed = pool.submit(patient.push, envelope)
                wait_until(lambda: has_waiting_lock(engine))
                valkey.kill()
            answer = pushed.result(30)
        finally:
            valkey.start()
    assert (answer.status_code, answer.json["results"][0]["status"]) == (200, "accepted")
    assert answer.json["backpressure"]["level"] == "slow"
    sweep = StreamSweep(here.sessions, here.streams, here.kinds, here.sender, settle_seconds=0)
    wait_until(lambda: sweep.run(1.0) >= 1)
    assert [one.seq for one in here.streams.read_after(f"thread:{talk.id}", 0).events] == [1, 2]
    assert patient.push(envelope).json["results"][0]["status"] == "duplicate"
    assert [one["seq"] for one in talk.items(nurse)] == [1, 2]


def has_waiting_lock(engine: Engine) -> bool:
    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with engine.connect() as connection:
        return connection.execute(text(waiting)).first() is not None


def test_without_redis_nothing_is_taken(talk: Talk, patient: Member, redis_client: redis.Redis):
    envelope = talk.envelope(patient)
    redis_client.config_set("maxmemory", "1")
    try:
        refused = patient.push(envelope)
    finally:
        redis_client.config_set("maxmemory", "0")
    assert refused.status_code == 503
    assert stops(refused)
    assert [one["seq"] for one in talk.items(patient)] == [1]
    assert patient.push(envelope).json["results"][0]["status"] == "accepted"


def stops(refused: Any) -> bool:
    """Whether a sender hears when to come again, in the body and in the header alike."""
    pressure, seconds = refused.json["error"]["details"]["backpressure"], int(refused.headers["Retry-After"])
    pause_ms = pressure["retryAfterMs"]
    return (pressure["level"], pressure["maxBatch"]) == ("stop", 100) and 0 < pause_ms <= 1000 * seconds


def test_a_database_that_is_gone_before_the_sender_is_known_stops_them(
    app: Flask, talk: Talk, patient: Member, monkeypatch: pytest.MonkeyPatch
):
    def lost(*_: Any, **__: Any) -> Any:
        raise OperationalError("select 1", {}, Exception("connection refused"))

    envelope = talk.envelope(patient)
    with monkeypatch.context() as broken:
        broken.setattr(parts(app).stores.sessions.kw["bind"], "connect", lost)
        refused = patient.push(envelope)
    assert refused.status_code == 503
    assert stops(refused)
    assert patient.push(envelope).json["results"][0]["status"] == "accepted"


def test_what_is_refused_for_good_stops_nobody(talk: Talk, patient: Member):
    answers = [patient.post("/push-batch", {}), patient.push(*[{}] * 101)]
    assert [one.status_code for one in answers] == [400, 413]
    assert not any("backpressure" in one.json["error"].get("details", {}) for one in answers)


def test_what_came_of_each_envelope_is_counted(talk: Talk, patient: Member):
    def counted() -> list[float]:
        outcomes = [{"outcome": name} for name in ("accepted", "duplicate", "BAD_SIGNATURE")]
        samples = [("welno_thread_envelopes_total", labels) for labels in outcomes]
        samples += [("welno_thread_gaps_total", {}), ("welno_thread_commit_seconds_count", {})]
        return [REGISTRY.get_sample_value(name, labels) or 0 for name, labels in samples]

    before, envelope = counted(), talk.envelope(patient, clientSeq=3)
    bad = envelope | {"dedupeId": "0" * 8 + "-0000-4000-8000-000000000000"}
    patient.push(envelope, envelope, bad)
    assert [after - was for after, was in zip(counted(), before, strict=True)] == [1, 1, 1, 1, 1]


def test_a_thread_that_somebody_holds_is_not_waited_for_for_long(talk: Talk, patient: Member, engine: Engine):
    envelope = talk.envelope(patient)
    with engine.begin() as connection:
        connection.execute(text("select 1 from welno.welno_threads where id = :id for update"), {"id": talk.id})
        refused = patient.push(envelope)
    assert (refused.status_code, refused.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    assert stops(refused)
    assert patient.push(envelope).json["results"][0]["status"] == "accepted"


def test_the_same_push_at_once_by_many_is_one(app: Flask, talk: Talk, nurse: Member, patient: Member):
    data = json.dumps({"envelopes": [talk.envelope(patient) for _ in range(2)]})
    headers = patient.headers | {"Content-Type": "application/json"}

    def push(_: int) -> list[tuple[str, int]]:
        client = app.test_client(use_cookies=False)
        results = client.post(f"{API}/push-batch", data=data, headers=headers).json["results"]
        return [(one["status"], one["seq"]) for one in results]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(push, range(20)))
    assert sum(status == "accepted" for answer in answers for status, _ in answer) == 2
    assert {tuple(seq for _, seq in answer) for answer in answers} == {(2, 3)}
    assert [one["seq"] for one in talk.items(nurse)] == [1, 2, 3]


def test_who_shares_an_address_is_counted_by_device_and_member_and_not_by_bodies(
    app_of: AppOf, web_settings: Settings, talk: Talk, patient: Member
):
    crowded = app_of(replace(web_settings, web=replace(web_settings.web, body_limit="2 per minute")))
    here = replace_app(patient, crowded)
    for number in range(1, 5):
        assert here.push(talk.envelope(patient)).status_code == 200
        assert here.post(f"/{talk.id}/ack", {"seq": number}).status_code == 200
    refused = [here.post("/push-batch", {"envelopes": []}).status_code for _ in range(3)]
    assert refused == [400, 400, 429]
    assert here.post(f"/{talk.id}/ack", {"seq": "x"}).status_code == 429


def replace_app(member: Member, app: Flask) -> Member:
    """The same member at another web process."""
    return Member(app.test_client(use_cookies=False), member.headers)
