"""What members read was read at one moment, however many statements it takes."""

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.integration.interviews.company import World, add_interview
from tests.integration.webapp.moments import assert_one_moment
from webapp.current import parts

from .members import Member
from .statements import is_about_content

OF_PROJECTS = (
    "",
    "/interviews",
    "/members",
    "/personas",
    "/highlights?tag=결제",
    "/search?q=결제",
    "/costs",
    "/original-reads",
    "/themes",
    "/generated-personas",
)
OF_INTERVIEWS = ("", "/status", "/highlights", "/export?format=json")


@pytest.fixture
def analysed(app: Flask, world: World) -> str:
    """The path of an interview that is completed."""
    script = [{"id": [1], "speaker": "진행자", "category": "", "cleaned_sentence": "어떠셨어요?"}]
    with Session(parts(app).stores.engine) as session, session.begin():
        made = add_interview(session, world, world.food, "jun", status="completed", cleaned_script=script)
    return f"/api/interviews/{made}"


@pytest.mark.parametrize("path", OF_PROJECTS)
def test_a_project_is_read_at_one_moment(app: Flask, mina: Member, world: World, path: str):
    assert_one_moment(app, lambda: mina.ask("GET", f"/api/projects/{world.food}{path}"), is_about_content)


@pytest.mark.parametrize("path", OF_INTERVIEWS)
def test_an_interview_is_read_at_one_moment(app: Flask, mina: Member, analysed: str, path: str):
    assert_one_moment(app, lambda: mina.ask("GET", f"{analysed}{path}"), is_about_content)
