"""The records in the state of a completed session: all of them, as the lists give them, a page at a time in memory."""

from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from .conftest import checkup, treatment
from .people import Person, arrive, collect


def treatments(count: int) -> list[dict[str, Any]]:
    return [treatment(str(date(2024, 1, 1) + timedelta(days=day))) for day in range(count)]


def collected(app: Flask, checkups: int, treated: int) -> Person:
    person = arrive(app)
    collect(app, person, [checkup(f"{1900 + number}년") for number in range(checkups)], treatments(treated))
    return person


def listed(person: Person, kind: str) -> list[Any]:
    items: list[Any] = []
    after: str | None = ""
    while after is not None:
        page = person.ask("GET", f"/patients/{person.patient_uuid}/{kind}?limit=200{after}").json
        items += page["items"]
        after = f"&after={page['next']}" if "next" in page else None
    return items


def test_it_shows_as_many_as_it_counts_and_as_the_lists_give_them(app: Flask):
    person = collected(app, 120, 420)
    answer = person.session("GET", "/status")
    state = answer.json
    assert answer.headers["Content-Type"] == "application/json"
    assert state["counts"] == {"health_data": 120, "prescription_data": 420}
    for name, kind in (("health_data", "checkups"), ("prescription_data", "prescriptions")):
        assert len(state[name]) == state["counts"][name]
        assert state[name] == listed(person, kind)


@pytest.mark.parametrize(("checkups", "treated"), [(0, 0), (100, 0), (0, 101), (1, 200)])
def test_no_page_is_missing_or_doubled_at_its_edges(app: Flask, checkups: int, treated: int):
    state = collected(app, checkups, treated).session("GET", "/status").json
    ids = [[one["id"] for one in state[name]] for name in ("health_data", "prescription_data")]
    assert [len(one) for one in ids] == [len(set(one)) for one in ids] == [checkups, treated]


def test_a_page_of_them_at_a_time_is_in_memory(app: Flask):
    person = collected(app, 0, 400)
    longest = max(len(part) for part in person.session("GET", "/status", buffered=False).response)
    assert longest < len(person.session("GET", "/status").data) / 3


def test_a_store_that_goes_away_before_the_answer_is_told_by_its_status(app: Flask, engine: Engine):
    person = collected(app, 0, 150)
    rename(engine, "welno_prescription_data", "away")
    try:
        assert person.session("GET", "/status").status_code == 500
    finally:
        rename(engine, "away", "welno_prescription_data")


def test_one_that_goes_away_in_the_midst_leaves_no_json(app: Flask, engine: Engine):
    person = collected(app, 0, 150)
    coming: Any = iter(person.session("GET", "/status", buffered=False).response)
    written: list[bytes] = []
    written += [next(coming), next(coming)]
    rename(engine, "welno_prescription_data", "away")
    try:
        with pytest.raises(ProgrammingError):
            written.extend(coming)
    finally:
        rename(engine, "away", "welno_prescription_data")
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(b"".join(written))


def rename(engine: Engine, name: str, other: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"alter table welno.{name} rename to {other}"))
