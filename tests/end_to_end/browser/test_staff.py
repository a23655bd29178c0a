"""The staff's page for runs: what stands still is found, understood, resumed or ended, by people who may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.accessibility import examine
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.person import API, Visit
from tests.end_to_end.product import Product
from tests.end_to_end.provider import CHECKUPS, PUSH

PAGE = "/staff/runs"
STOPPED = "stopped"
_COPY_RUN = (
    "INSERT INTO welno.welno_collection_history SELECT (jsonb_populate_record(run, jsonb_build_object('session_id',"
    " gen_random_uuid(), 'masked_name', 'copy', 'updated_at', run.updated_at - number * interval '1 minute'))).*"
    " FROM welno.welno_collection_history run, generate_series(1, 30) number WHERE session_id = '{}'"
)
_REMOVE_COPIES = "DELETE FROM welno.welno_collection_history WHERE masked_name = 'copy'"


@pytest.fixture(scope="module")
def token(running_product: Product) -> str:
    return new_token(running_product)


def new_token(product: Product) -> str:
    return product.staff()["Authorization"].removeprefix("Bearer ")


@pytest.fixture
def page(visitor: Visitor, token: str) -> Page:
    """Signed in, before the list. Its clock can be put forward, to when the page looks again by itself."""
    visitor.page.clock.install()
    visitor.open(PAGE)
    sign_in(visitor.page, token)
    expect(visitor.page.get_by_role("heading", name="수집 작업")).to_be_visible()
    return visitor.page


@pytest.fixture
def stopped(product: Product) -> Visit:
    """Stopped at the records, because the provider took our key for a wrong one."""
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.wait_for("auth_waiting")
    with product.provider.fault(CHECKUPS, status=401):
        visit.approves().wait_for("error")
    return visit


@pytest.fixture
def stopped_at_push(product: Product) -> Visit:
    visit = product.meet().is_known_with().start()
    with product.provider.fault(PUSH, status=401):
        visit.asks_for_push().wait_for("error")
    return visit


@pytest.fixture
def waiting(product: Product) -> Visit:
    """Waits for its phone."""
    visit = product.meet().is_known_with().start().asks_for_push()
    visit.wait_for("auth_waiting")
    return visit


def sign_in(page: Page, token: str) -> None:
    """With a command's token."""
    if not page.get_by_label("직원 토큰").is_visible():
        page.get_by_text("토큰으로 로그인하기").click()
    page.get_by_label("직원 토큰").fill(token)
    page.get_by_role("button", name="토큰으로 로그인").click()


def open_story(page: Page, visit: Visit) -> None:
    page.get_by_role("button", name="지금 새로고침").click()  # the run may be younger than the list
    page.get_by_role("link", name=visit.session_id).click()
    expect(page.get_by_role("heading", name="작업 기록")).to_be_focused()
    expect(page.locator("#run-history-body")).to_be_visible()


def fact(page: Page, name: str) -> Locator:
    return page.locator("#facts > div").filter(has=page.locator("dt").get_by_text(name, exact=True)).locator("dd")


def confirm(page: Page, button: str) -> None:
    page.locator("#run-history-body").get_by_role("button", name=button).click()
    page.get_by_role("dialog").get_by_role("button", name=button).click()


def let_it_look_again(page: Page) -> None:
    """After thirty seconds it has, whatever went wrong before."""
    page.clock.fast_forward(30_000)


def stop_refreshing(page: Page) -> None:
    page.get_by_label("5초마다 새로고침").uncheck()


def act(product: Product, visit: Visit, token: str, verb: str) -> None:
    """What a colleague does at the same time."""
    url = f"{API}/admin/runs/{visit.session_id}/{verb}"
    headers = {"Authorization": f"Bearer {token}"}
    assert visit.person.browser().post(url, headers=headers).status_code < 300


@contextmanager
def answered(page: Page, part: str = "admin", **answer: Any) -> Iterator[None]:
    """What a proxy before the servers would say."""
    page.route(f"**/api/v1/{part}/**", lambda route: route.fulfill(**answer))
    yield
    page.unroute(f"**/api/v1/{part}/**")


def test_a_stopped_run_is_found_understood_resumed_and_completes(page: Page, stopped: Visit) -> None:
    page.get_by_label("보기").select_option(STOPPED)
    open_story(page, stopped)
    expect(fact(page, "오류")).to_contain_text("제공자가 우리 키를 거절함SERVICE_UNAVAILABLE")
    tried = page.locator("#steps-rows tr")
    expect(tried.last).to_contain_text("건강검진 기록 가져오기1번째실패제공자가 우리 키를 거절함SERVICE_UNAVAILABLE")
    confirm(page, "다시 시작")
    expect(page.locator("#answer")).to_have_text("다시 시작했어요. ‘건강검진 기록 가져오기’부터 이어져요.")
    stopped.wait_for("completed")
    let_it_look_again(page)
    expect(fact(page, "상태")).to_have_text("완료 끝남", timeout=20_000)
    expect(tried.last).to_contain_text("마무리")
    expect(page.locator("#run-history-body").get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_and_a_run_are_accessible(new_visitor: NewVisitor, stopped: Visit, token: str, scheme: str) -> None:
    visitor = new_visitor(viewport=PHONE, color_scheme=scheme, reduced_motion="reduce")
    page = visitor.page
    visitor.open(PAGE)
    sign_in(page, token)
    expect(page.get_by_role("link", name=stopped.session_id)).to_be_visible()
    assert examine(page, "the list of runs", findings(page)) == []
    open_story(page, stopped)
    assert examine(page, "a run that has stopped", findings(page)) == []
    page.locator("#run-history-body").get_by_role("button", name="작업 취소").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert examine(page, "whether to cancel a run", findings(page)) == []


def test_a_push_is_not_sent_again_by_an_operator(page: Page, stopped_at_push: Visit) -> None:
    open_story(page, stopped_at_push)
    expect(fact(page, "오류")).to_contain_text("SERVICE_UNAVAILABLE")
    expect(page.get_by_role("button", name="다시 시작")).to_be_hidden()
    expect(page.get_by_role("button", name="작업 취소")).to_be_visible()


def test_a_cancelled_run_ends_for_its_person_too(page: Page, waiting: Visit) -> None:
    page.get_by_label("보기").select_option("waiting")
    open_story(page, waiting)
    expect(fact(page, "상태")).to_contain_text("휴대폰 승인을 기다림")
    expect(page.get_by_role("button", name="다시 시작")).to_be_hidden()
    confirm(page, "작업 취소")
    expect(page.locator("#answer")).to_have_text("작업을 취소했어요. 저장된 기록은 남아 있어요.")
    expect(page.locator("#answer")).to_be_focused()
    expect(fact(page, "상태")).to_have_text("취소 끝남")
    assert waiting.browser.get(f"{waiting.path}/status").status_code == 404


def test_who_thinks_again_changes_nothing(page: Page, waiting: Visit) -> None:
    open_story(page, waiting)
    page.get_by_role("button", name="작업 취소").click()
    page.get_by_role("button", name="그대로 두기").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="작업 취소")).to_be_focused()
    assert waiting.status()["status"] in {"auth_pending", "timeout"}


def test_a_run_that_was_resumed_meanwhile_is_told(page: Page, stopped: Visit, product: Product, token: str) -> None:
    open_story(page, stopped)
    stop_refreshing(page)
    act(product, stopped, token, "resume")
    confirm(page, "다시 시작")
    expect(page.locator("#answer")).to_contain_text("그사이에 작업이 움직여서 다시 시작하지 않았어요.")
    expect(fact(page, "상태")).not_to_contain_text("오류")
    expect(page.get_by_role("button", name="다시 시작")).to_be_hidden()


def test_a_run_that_completed_meanwhile_is_not_said_to_be_cancelled(page: Page, waiting: Visit) -> None:
    open_story(page, waiting)
    stop_refreshing(page)
    waiting.approves().wait_for("completed")
    confirm(page, "작업 취소")
    expect(page.locator("#answer")).to_have_text("그사이에 이미 끝난 작업이에요 (완료). 결과는 바뀌지 않았어요.")


def test_nobody_is_named_on_the_page(page: Page, stopped: Visit) -> None:
    open_story(page, stopped)
    shown = page.content()
    person = stopped.person
    assert stopped.session_id in shown
    assert not [value for value in (person.user_name, person.phone_no, person.birthdate) if value in shown]


@pytest.mark.parametrize("wrong", ["오래된 토큰", "e30.e30.c2lnbmF0dXJl"])
def test_a_wrong_token_opens_nothing(visitor: Visitor, wrong: str) -> None:
    visitor.open(PAGE)
    sign_in(visitor.page, wrong)
    expect(visitor.page.locator("#token-error")).to_contain_text("토큰이 맞지 않거나 시간이 지났어요.")
    expect(visitor.page.get_by_label("직원 토큰")).to_be_focused()
    expect(visitor.page.locator("#list")).to_be_hidden()
    assert visitor.page.evaluate("sessionStorage.length") == 0


def test_the_token_stays_in_this_tab_alone(page: Page, visitor: Visitor, token: str) -> None:
    assert page.evaluate("Object.values({...sessionStorage})") == [token]
    assert visitor.remembered_keys() == set()
    assert token not in page.url
    page.reload()
    expect(page.get_by_role("heading", name="수집 작업")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", name="직원 로그인")).to_be_visible()


def test_who_signs_out_leaves_nothing_behind(visitor: Visitor, product: Product, stopped: Visit) -> None:
    page, token = visitor.page, new_token(product)
    visitor.open(PAGE)
    sign_in(page, token)
    open_story(page, stopped)
    page.get_by_role("button", name="로그아웃").click()
    expect(page.get_by_label("직원 토큰")).to_be_focused()
    expect(page.locator("#run-history")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0
    with page.expect_response("**/admin/runs**") as asked:
        sign_in(page, token)
    assert asked.value.status == 401
    expect(page.locator("#token-error")).to_be_visible()
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_server_that_does_not_hear_of_the_end_is_no_reason_to_stay(page: Page) -> None:
    with answered(page, "auth", status=503, body="busy"):
        page.get_by_role("button", name="로그아웃").click()
        expect(page.get_by_label("직원 토큰")).to_be_focused()
        expect(page.locator("#trouble")).to_contain_text("서버에서 로그인을 끝내지 못했어요.")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_token_that_ran_out_is_asked_for_again_where_one_was(page: Page, stopped: Visit, token: str) -> None:
    open_story(page, stopped)
    with answered(page, status=401, json={"success": False}):
        page.get_by_role("button", name="다시 시작").click()
        page.get_by_role("dialog").get_by_role("button", name="다시 시작").click()
        expect(page.locator("#token-error")).to_contain_text("다시 로그인해 주세요.")
    sign_in(page, token)
    expect(page.locator("#run-history-id")).to_have_text(stopped.session_id)
    expect(page.get_by_role("button", name="다시 시작")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "headers", "text"),
    [
        (429, {"Retry-After": "1"}, "요청이 너무 많아요. 1초 뒤에"),
        (503, {}, "서버에 문제가 있어요 (HTTP_503)."),
    ],
)
def test_trouble_is_told_and_goes_by_itself(
    page: Page, stopped: Visit, status: int, headers: dict[str, str], text: str
) -> None:
    page.get_by_role("button", name="지금 새로고침").click()
    expect(page.get_by_role("link", name=stopped.session_id)).to_be_visible()
    with answered(page, status=status, headers=headers, body="busy"):
        page.get_by_role("button", name="지금 새로고침").click()
        expect(page.locator("#trouble")).to_contain_text(text)
    expect(page.locator("#list-table")).to_be_visible()
    let_it_look_again(page)
    expect(page.locator("#trouble")).to_be_hidden(timeout=15_000)


def test_a_cut_line_is_told_and_comes_back_by_itself(page: Page, stopped: Visit, line: Line) -> None:
    open_story(page, stopped)
    line.cut()
    let_it_look_again(page)
    expect(page.locator("#connection")).to_contain_text("서버에 연결하지 못했어요.", timeout=15_000)
    confirm(page, "다시 시작")
    expect(page.locator("#answer")).to_contain_text("요청이 전해졌는지 알 수 없으니")
    line.restore()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#connection")).to_be_hidden()
    expect(fact(page, "상태")).to_contain_text("오류")


def test_a_run_is_found_by_its_id(page: Page, waiting: Visit) -> None:
    page.get_by_label("세션 ID나 문의 번호로 찾기").fill(f" {waiting.session_id.upper()} ")
    page.keyboard.press("Enter")
    expect(page.locator("#run-history-id")).to_have_text(waiting.session_id)
    expect(page.locator("#steps-rows tr")).to_have_count(1)


def test_an_id_that_is_none_is_told_at_its_field(page: Page) -> None:
    page.get_by_label("세션 ID나 문의 번호로 찾기").fill("12 34")
    page.get_by_role("button", name="찾기").click()
    expect(page.locator("#find-id-error")).to_contain_text("세션 ID나 문의 번호 모양이 아니에요.")
    page.get_by_label("세션 ID나 문의 번호로 찾기").fill("5d3e7f7e-0d1c-4a53-8f0b-8a2a6f5f8f11")
    page.get_by_role("button", name="찾기").click()
    expect(page.locator("#run-history-missing")).to_be_visible()


def test_a_reference_number_leads_to_the_error_and_its_run(page: Page, product: Product, waiting: Visit) -> None:
    told = product.meet().browser().get(f"{API}/tilko/session/{waiting.session_id}/status")
    page.get_by_label("세션 ID나 문의 번호로 찾기").fill(told.json()["request_id"])
    page.get_by_role("button", name="찾기").click()
    found = page.locator("#found")
    expect(found).to_contain_text("404 SESSION_NOT_FOUND")
    found.get_by_role("link", name=waiting.session_id).click()
    expect(page.locator("#run-history-id")).to_have_text(waiting.session_id)


def test_a_reference_number_that_leads_nowhere_is_told_at_its_field(page: Page) -> None:
    page.get_by_label("세션 ID나 문의 번호로 찾기").fill("0123456789abcdef")
    page.get_by_role("button", name="찾기").click()
    expect(page.locator("#find-id-error")).to_contain_text("로그에서 찾아 주세요.")


def test_each_view_shows_what_belongs_to_it(page: Page, stopped: Visit, waiting: Visit) -> None:
    views = {"open": [stopped, waiting], "failed": [stopped], "waiting": [waiting], "ended": []}
    for view, shown in views.items():
        page.get_by_label("보기").select_option(view)
        for visit in (stopped, waiting):
            expect(page.get_by_role("link", name=visit.session_id)).to_have_count(int(visit in shown))


@pytest.fixture
def many(product: Product, waiting: Visit) -> Iterator[Visit]:
    """An ended run, and thirty that look like it."""
    waiting.cancel()
    product.execute(_COPY_RUN.format(waiting.session_id))
    yield waiting
    product.execute(_REMOVE_COPIES)


def test_older_runs_stand_on_the_next_page(page: Page, many: Visit) -> None:
    page.get_by_label("보기").select_option("ended")
    rows, mine = page.locator("#list-rows tr"), page.get_by_role("link", name=many.session_id)
    expect(rows).to_have_count(25)
    expect(mine).to_have_count(1)
    page.get_by_role("button", name="더 오래된 작업").click()
    expect(mine).to_have_count(0)
    expect(page.get_by_role("heading", name="수집 작업")).to_be_focused()
    page.get_by_role("button", name="더 최근 작업").click()
    expect(mine).to_have_count(1)
    expect(page.get_by_role("button", name="더 최근 작업")).to_be_disabled()


def test_the_list_follows_by_itself_and_keeps_the_focus(page: Page, stopped: Visit, waiting: Visit) -> None:
    row = page.get_by_role("row").filter(has_text=waiting.session_id)
    let_it_look_again(page)
    expect(row).to_contain_text("휴대폰 승인을 기다림", timeout=20_000)
    page.get_by_role("link", name=stopped.session_id).focus()
    waiting.approves().wait_for("completed")
    let_it_look_again(page)
    expect(row).to_contain_text("완료", timeout=20_000)
    expect(page.get_by_role("link", name=stopped.session_id)).to_be_focused()


def test_the_keyboard_alone_is_enough(visitor: Visitor, token: str, stopped: Visit) -> None:
    page, keys = visitor.page, visitor.page.keyboard
    visitor.open(PAGE)
    expect(page.get_by_label("로그인 이름")).to_be_focused()
    _tab_to(page, page.get_by_text("토큰으로 로그인하기"))
    keys.press("Enter")
    _tab_to(page, page.get_by_label("직원 토큰"))
    keys.insert_text(token)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="수집 작업")).to_be_focused()
    link = page.get_by_role("link", name=stopped.session_id)
    expect(link).to_be_visible()
    _tab_to(page, link)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="작업 기록")).to_be_focused()
    resume = page.get_by_role("button", name="다시 시작")
    expect(resume).to_be_visible()
    _tab_to(page, resume)
    keys.press("Enter")
    assert _stops_of(page, 6) <= {"confirm-yes", "confirm-no", ""}
    keys.press("Escape")
    expect(resume).to_be_focused()
    keys.press("Enter")
    keys.press("Shift+Tab")
    expect(page.locator("#confirm-yes")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#answer")).to_contain_text("다시 시작했어요.")
    keys.press("Shift+Tab")
    keys.press("Enter")
    expect(link).to_be_focused()


def _tab_to(page: Page, place: Locator) -> None:
    """With a ring to be seen at every stop."""
    for _ in range(80):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") in {"solid", "auto"}
        if place.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("no way there by Tab")


def _stops_of(page: Page, tabs: int) -> set[str]:
    """Where Tab leads; the body stands for the browser's own bar."""
    stops = set()
    for _ in range(tabs):
        page.keyboard.press("Tab")
        stops.add(str(page.evaluate("document.activeElement.id")))
    return stops


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_has_to_be_pushed_aside(
    new_visitor: Callable[..., Visitor], token: str, stopped: Visit, width: int
) -> None:
    visitor = new_visitor(viewport={"width": width, "height": 800})
    visitor.open(PAGE)
    sign_in(visitor.page, token)
    expect(visitor.page.get_by_role("link", name=stopped.session_id)).to_be_visible()
    assert visitor.page.evaluate("document.scrollingElement.scrollWidth") <= width
    open_story(visitor.page, stopped)
    assert visitor.page.evaluate("document.scrollingElement.scrollWidth") <= width
