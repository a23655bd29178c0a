"""Exports over HTTP: what is in them, under which name, and what is not."""

import csv
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from services.interviews.exporting import contents
from tests.integration.interviews.company import World, add_interview
from webapp.current import parts

from .members import Member

COLUMNS: dict[str, Any] = {
    "cleaned_script": [{"id": [7], "speaker": "[이름1]", "category": "불편", "cleaned_sentence": "결제가 느려요."}],
    "primary_pain_points": [{"description": "느리다", "evidence": ["결제가 느려요"]}],
}


def complete(app: Flask, world: World, title: str, **changes: Any) -> str:
    with Session(parts(app).stores.engine) as session, session.begin():
        values = {"status": "completed", "title": title} | COLUMNS | changes
        return str(add_interview(session, world, world.food, "jun", **values))


@pytest.mark.parametrize("format_", ["md", "csv", "json", "xlsx"])
def test_an_interview_is_saved_under_its_title(app: Flask, vera: Member, world: World, format_: str):
    interview_id = complete(app, world, "첫 인터뷰")
    answer = vera.ask("GET", f"/api/interviews/{interview_id}/export?format={format_}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith(f"filename*=UTF-8''{quote(f'첫 인터뷰.{format_}', '')}")
    assert answer.data


@pytest.mark.parametrize("query", ["", "?format=pdf"])
def test_another_format_is_refused(app: Flask, vera: Member, world: World, query: str):
    assert vera.ask("GET", f"/api/projects/{world.food}/export{query}").status_code == 400


def test_a_project_gives_its_completed_interviews_over_all_batches(
    app: Flask, vera: Member, jun: Member, world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(contents, "_BATCH", 2)
    for number in range(5):
        complete(app, world, f"인터뷰 {number}")
    complete(app, world, "아직", status="processing")
    deleted = complete(app, world, "지운 것")
    jun.ask("DELETE", f"/api/interviews/{deleted}")
    answer = vera.ask("GET", f"/api/projects/{world.food}/export?format=csv")
    rows = list(csv.reader(StringIO(answer.data.decode("utf-8-sig"), newline="")))[1:]
    assert [(row[0], row[4], row[5]) for row in rows] == [
        (f"인터뷰 {number}", "결제가 느려요", "7") for number in range(5)
    ]
    assert vera.ask("GET", f"/api/interviews/{deleted}/export?format=md").status_code == 404
