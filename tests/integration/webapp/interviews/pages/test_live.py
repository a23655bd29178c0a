"""What one member changes of a project, another one's page shows at once, whatever view is open."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from models.interviews import Interview
from services.interviews.costs import note_cost
from services.interviews.utterance_index import index_utterances
from tests.integration.interviews.company import World
from tests.integration.webapp.interviews.members import Member
from webapp.current import parts

from .analyses import Analyses
from .conftest import Visit

SAID = "지하철"


@pytest.fixture
def done(app: Flask, analyses: Analyses) -> UUID:
    """Completed, and found by the search."""
    interview_id = analyses.add("새벽 배달")
    analyses.complete(interview_id)
    with parts(app).stores.sessions.begin() as session:
        index_utterances(session, session.get_one(Interview, interview_id))
    return interview_id


def show(page: Page, view: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#{view}")


def change_member(admin: Member, world: World, name: str, role: str) -> None:
    body = {"email": f"{name}@demo.test", "role": role}
    assert admin.ask("POST", f"/api/projects/{world.food}/members", json=body).status_code == 200


def member(page: Page, name: str) -> Locator:
    return page.locator("#members-rows li").filter(has_text=f"{name}@demo.test")


def name_speaker(editor: Member, interview_id: UUID, name: str) -> None:
    body = {"speakers": {"[이름1]": name}}
    assert editor.ask("PUT", f"/api/interviews/{interview_id}/speakers", json=body).status_code == 200


def test_the_name_of_a_speaker_reaches_who_reads_who_searches_and_who_collects(
    visit: Visit, done: UUID, jun: Member
) -> None:
    body: dict[str, Any] = {"firstUtteranceId": 2, "lastUtteranceId": 2}
    jun.ask("POST", f"/api/interviews/{done}/highlights", json=body)
    page = visit("vera")
    for view, place, name in (
        (f"interview={done}", "#utterance-2", "참여자 A"),
        (f"search={SAID}", "#search-rows .hit", "참여자 B"),
        ("highlights", "#collected-rows .excerpt", "참여자 C"),
    ):
        show(page, view)
        expect(page.locator(place)).to_contain_text(SAID)
        name_speaker(jun, done, name)
        expect(page.locator(place)).to_contain_text(name)


def test_a_title_that_is_masked_later_is_so_in_lists_that_are_open(
    visit: Visit, app: Flask, analyses: Analyses
) -> None:
    interview_id = analyses.add("김하늘 인터뷰")
    page = visit("vera")
    expect(page.locator("#interviews-rows")).to_contain_text("김하늘 인터뷰")
    with parts(app).stores.sessions.begin() as session:  # as the extraction does, once it has read who speaks
        interview = session.get_one(Interview, interview_id)
        interview.title = "[이름1] 인터뷰"
        interview.revision += 1
    analyses.begin(interview_id)
    expect(page.locator("#interviews-rows")).to_contain_text("[이름1] 인터뷰")


def test_what_is_found_goes_with_its_interview(visit: Visit, done: UUID, jun: Member) -> None:
    searching, away = visit("vera"), visit("vera")
    for page in (searching, away):
        show(page, f"search={SAID}")
        expect(page.locator("#search-rows .hit")).to_have_count(1)
    show(away, "themes")
    assert jun.ask("DELETE", f"/api/interviews/{done}").status_code == 204
    expect(searching.locator("#search-empty")).to_be_visible()
    expect(away.locator("#themes-empty")).to_be_visible()
    show(away, f"search={SAID}")
    expect(away.locator("#search-empty")).to_be_visible()


def test_members_change_before_the_others(visit: Visit, world: World, mina: Member) -> None:
    page, admin = visit("vera"), visit("mina")
    for one in (page, admin):
        show(one, "settings")
        expect(member(one, "jun")).to_be_visible()
    admin.get_by_label("vera 역할", exact=True).select_option("editor")
    change_member(mina, world, "jun", "viewer")
    expect(member(page, "jun")).to_contain_text("보기")
    expect(admin.get_by_label("jun 역할", exact=True)).to_have_value("viewer")
    expect(admin.get_by_label("vera 역할", exact=True)).to_have_value("editor")  # picked, and not sent yet


def test_who_gets_another_role_is_told_and_offered_what_it_lets_do(visit: Visit, world: World, mina: Member) -> None:
    page = visit("vera")
    expect(page.locator("#upload")).to_be_hidden()
    change_member(mina, world, "vera", "editor")
    expect(page.locator("#project-facts")).to_contain_text("내 역할: 편집")
    expect(page.locator("#project-failed")).to_contain_text("내 역할이 바뀌었어요: 편집.")
    page.get_by_role("button", name="새로 열기").click()
    expect(page.locator("#upload")).to_be_visible()


def test_admins_see_at_once_who_read_an_original_and_what_was_spent(
    visit: Visit, app: Flask, world: World, mina: Member, analyses: Analyses
) -> None:
    interview_id = UUID(mina.upload(world, title="읽을 인터뷰").json["interview_id"])
    page = visit("mina")
    show(page, "settings")
    expect(page.locator("#costs-empty")).to_be_visible()
    assert mina.ask("GET", f"/api/interviews/{interview_id}/file").status_code == 200
    expect(page.locator("#reads-rows")).to_contain_text("읽을 인터뷰")
    with parts(app).stores.unit_of_work() as work:
        interview = work.session.get_one(Interview, interview_id)
        note_cost(work.session, interview, interview.created_at, calls=1, tokens=70)
    analyses.complete(interview_id)
    expect(page.locator("#costs-rows")).to_contain_text("읽을 인터뷰")
