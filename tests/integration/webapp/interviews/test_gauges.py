"""What /metrics tells of the analyses."""

import re

from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from services.interviews.counts import EXTRACTIONS, MASKED, MISO_CALLS, MISO_SECONDS, MISO_TOKENS, Counted, add_counts
from tests.integration.interviews.company import World

from .members import Member


def read_metrics(app: Flask) -> dict[str, float]:
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    found = re.findall(r"^(welno_(?:miso|interview)\S+) (\S+)$", answer.text, re.MULTILINE)
    return {name: float(value) for name, value in found if not name.endswith("_created")}


def test_what_all_processes_counted_is_told(app: Flask, engine: Engine, world: World):
    del world
    with Session(engine) as session, session.begin():
        for _ in range(2):
            add_counts(
                session,
                [
                    Counted(MISO_CALLS, "succeeded"),
                    Counted(MISO_SECONDS, "succeeded", 1.5),
                    Counted(MISO_TOKENS, "", 40),
                    Counted(EXTRACTIONS, "docx/no_text"),
                    Counted(MASKED, "name", 3),
                ],
            )
    told = read_metrics(app)
    assert told['welno_miso_calls_total{outcome="succeeded"}'] == 2
    assert told['welno_miso_call_seconds_total{outcome="succeeded"}'] == 3
    assert told["welno_miso_tokens_total"] == 80
    assert told['welno_interview_extractions_total{format="docx",outcome="no_text"}'] == 2
    assert told['welno_interview_masked_total{kind="name"}'] == 6


def test_how_many_wait_and_how_long_is_told(app: Flask, engine: Engine, world: World, mina: Member):
    for _ in range(3):
        assert mina.upload(world).status_code == 200
    with engine.begin() as connection:
        connection.execute(text("update welno.interview_runs set state = 'ended'"))
        mine = "(select interview_id from welno.interview_runs where project_id = :id order by created_at limit {})"
        connection.execute(
            text(
                "update welno.interview_runs set state = 'ready', due_at = now() - interval '7 minutes'"
                f" where interview_id in {mine.format(2)}"
            ),
            {"id": world.food},
        )
        connection.execute(
            text(f"update welno.interview_runs set called_at = now() where interview_id in {mine.format(1)}"),
            {"id": world.food},
        )
    told = read_metrics(app)
    assert (told["welno_interviews_under_way"], told["welno_interviews_waiting"]) == (1, 1)
    assert 420 <= told["welno_interviews_oldest_waiting_seconds"] < 480
    assert told["welno_interviews_process_alive"] == 0
