"""What /metrics tells of the threads as they stand."""

import re

import redis
from flask import Flask
from sqlalchemy import Engine, text

from tests.thread_devices import ClientDevice

from .members import Member, Talk

_SETTLED = text("update welno.welno_threads set changed_at = clock_timestamp() - interval '3 seconds'")


def read_metrics(app: Flask) -> dict[str, float]:
    answer = app.test_client().get("/metrics")
    found = re.findall(r"^(welno_thread_(?:numbers|keys|audit)_\S+) (\S+)$", answer.text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_numbers_that_wait_for_their_stream_are_told(
    app: Flask, talk: Talk, patient: Member, engine: Engine, redis_client: redis.Redis
):
    talk.say(patient, 4)
    with engine.begin() as connection:
        connection.execute(_SETTLED)
    assert read_metrics(app)["welno_thread_numbers_behind"] == 0
    redis_client.delete(*redis_client.keys("stream:*"))
    assert read_metrics(app)["welno_thread_numbers_behind"] == 5


def test_keys_that_lack_are_told(app: Flask, talk: Talk, nurse: Member, patient: Member, engine: Engine):
    tablet = ClientDevice(patient.member)
    patient.register(tablet)
    patient.post(f"/devices/{tablet.device_id}/approve", patient.device.approval_of(tablet))
    with engine.begin() as connection:
        connection.execute(_SETTLED)
    told = read_metrics(app)
    assert (told["welno_thread_keys_lacking"], told["welno_thread_audit_rows"] >= 0) == (1, True)
    wraps = [{"deviceId": tablet.device_id, "wrapped": tablet.wrap(talk.secrets["k1"], talk.id, "k1")}]
    nurse.post(f"/{talk.id}/keys/k1/wraps", {"wraps": wraps})
    assert read_metrics(app)["welno_thread_keys_lacking"] == 0
