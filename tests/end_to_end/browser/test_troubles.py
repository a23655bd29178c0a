"""What goes wrong on the way: reloads, a line that is cut, several tabs, sessions that end."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.end_to_end.browser.driving import OFFLINE, REPORT, Visitor
from tests.end_to_end.browser.line import Buffered, Line
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.person import API
from tests.end_to_end.product import Product
from tests.end_to_end.provider import PUSH
from tests.end_to_end.provider import REPORT as REPORTS
from tests.waiting import wait_until

_EXPIRE = (
    "UPDATE welno.welno_collection_history SET expires_at = now() - interval '1 second', revision = revision + 1"
    " WHERE session_id = '{}'"
)


def _session_of(visitor: Visitor) -> str:
    session_id = visitor.remembered("tilko_session_id")
    assert session_id
    return session_id


def test_a_reload_while_the_phone_is_asked_goes_on(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    visitor.page.reload()
    visitor.expect_asked()
    expect(visitor.page.get_by_text("카카오톡을 열어 주세요.")).to_be_visible()
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()


def test_a_reload_during_the_report_goes_on(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person, REPORT)
    with phones.held(REPORTS):
        phones.approve(person)
        expect(visitor.page.locator("#steps .active")).to_contain_text("리포트", timeout=20_000)
        visitor.page.reload()
        expect(visitor.page.locator("#steps .active")).to_contain_text("리포트")
        expect(visitor.page.locator("#steps .done")).to_have_count(4)
    visitor.put_password_off()
    visitor.expect_results("/disease-report")


def test_who_comes_back_after_the_end_finds_everything(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    visitor.page.goto("about:blank")
    phones.approve(person)
    visitor.open()
    visitor.put_password_off()
    visitor.expect_results()
    assert len(visitor.own_copies()) == 1


def test_a_cut_line_is_told_calmly_and_nothing_is_missed(visitor: Visitor, phones: Phones, line: Line) -> None:
    person = phones.add_person()
    visitor.begin(person, REPORT)
    line.cut()
    expect(visitor.page.get_by_text(OFFLINE)).to_be_visible(timeout=10_000)
    phones.approve(person)
    line.restore()
    visitor.put_password_off()
    visitor.expect_results("/disease-report")


def test_polling_carries_on_where_sockets_are_not_let_through(visitor: Visitor, phones: Phones, line: Line) -> None:
    person = phones.add_person()
    visitor.begin(person, REPORT)
    line.cut_sockets()
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results("/disease-report")


@pytest.mark.parametrize("what", Buffered)
def test_polling_carries_on_where_a_proxy_holds_events_back(
    visitor: Visitor, phones: Phones, line: Line, what: Buffered
) -> None:
    """As one does that compresses them, whatever `no-transform` says."""
    person = phones.add_person()
    visitor.begin(person, REPORT)
    asked = line.events_asked
    line.buffer_events(what)
    wait_until(lambda: line.events_asked > asked, 20)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results("/disease-report")


def test_a_line_that_died_in_silence_is_noticed_on_return(visitor: Visitor, phones: Phones, line: Line) -> None:
    visitor.begin(phones.add_person())
    line.hold()
    visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(visitor.page.get_by_text(OFFLINE)).to_be_visible(timeout=10_000)
    line.drop()  # before it comes back: else the page may be told of that, and be cut off again while it says so
    line.restore()
    visitor.page.evaluate("dispatchEvent(new Event('online'))")
    expect(visitor.page.get_by_text("다시 연결됐어요.")).to_be_visible()


def test_a_page_that_opens_without_a_line_waits_for_it(visitor: Visitor, phones: Phones) -> None:
    visitor.begin(phones.add_person())
    visitor.page.route("**/api/**", lambda route: route.abort())
    visitor.page.reload()
    expect(visitor.page.get_by_text(OFFLINE)).to_be_visible()
    visitor.page.unroute("**/api/**")
    visitor.expect_asked()


def test_without_the_records_the_own_copy_is_shown(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    wait_until(visitor.own_copies)
    visitor.page.route("**/checkups?*", lambda route: route.abort())
    visitor.page.reload()
    expect(visitor.page.get_by_text("이 기기에 보관한 기록을 보여드려요.")).to_be_visible()
    visitor.open_group("체중과 비만도")
    expect(visitor.page.get_by_role("img", name="체중 그래프")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="다시 시도")).to_be_visible()


def test_without_a_line_the_own_copy_opens_for_nobody(visitor: Visitor, phones: Phones) -> None:
    """The server alone knows whether the session lives: whoever sits there now may be somebody else."""
    person = phones.add_person()
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    wait_until(visitor.own_copies)
    visitor.page.route("**/api/**", lambda route: route.abort())
    visitor.page.reload()
    expect(visitor.page.get_by_text("서버에 연결하지 못했어요.")).to_be_visible(timeout=20_000)
    expect(visitor.page.locator("#content")).to_be_hidden()
    visitor.page.unroute("**/api/**")
    visitor.page.get_by_role("button", name="다시 시도").click()
    expect(visitor.page.locator("#content")).to_be_visible()


def test_two_tabs_both_arrive_and_keep_one_copy(
    new_context: Callable[..., BrowserContext], product: Product, phones: Phones
) -> None:
    context, person = new_context(), phones.add_person()
    first = Visitor(context.new_page(), product.web_url)
    first.begin(person)
    second = Visitor(context.new_page(), product.web_url)
    second.open()
    second.expect_asked()
    phones.approve(person)
    for tab in (first, second):
        tab.page.wait_for_url("**/results-trend?**", timeout=30_000)
    for tab in (first, second):
        expect(tab.offer).to_be_visible(timeout=20_000)
        expect(tab.page.locator("#live")).to_be_hidden(timeout=20_000)
    assert len(first.own_copies()) == 1


def test_an_emptied_redis_costs_the_page_nothing(visitor: Visitor, phones: Phones, product: Product) -> None:
    person = phones.add_person()
    visitor.begin(person, REPORT)
    product.redis.flushall()
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results("/disease-report")


def test_a_session_that_expires_is_told_with_a_way_on(visitor: Visitor, phones: Phones, product: Product) -> None:
    visitor.begin(phones.add_person())
    product.execute(_EXPIRE.format(_session_of(visitor)))
    expect(visitor.page.locator("#form-notice")).to_be_visible(timeout=20_000)
    expect(visitor.page.get_by_role("button", name="동의하고 인증 요청 받기")).to_be_visible()
    assert visitor.remembered("tilko_session_id") is None


def test_a_run_that_stops_is_told_with_a_number_that_staff_find(
    visitor: Visitor, phones: Phones, product: Product
) -> None:
    with product.provider.fault(PUSH, status=401):
        visitor.open()
        visitor.fill_in(phones.add_person())
        visitor.submit()
        number = visitor.page.locator("#form-notice .reference code")
        expect(number).to_be_visible(timeout=30_000)
    run = visitor.page.request.get(f"{product.web_url}{API}/admin/runs/{number.inner_text()}", headers=product.operator)
    assert run.json()["run"]["summary"]["error_code"] == "SERVICE_UNAVAILABLE"


@pytest.mark.parametrize("path", ["/", "/results-trend"])
def test_an_unknown_session_clears_its_keys(visitor: Visitor, path: str) -> None:
    visitor.open()
    visitor.page.evaluate("localStorage.setItem('tilko_session_id', '5d3e7f7e-0d1c-4a53-8f0b-8a2a6f5f8f11')")
    visitor.open(path)
    wait_until(lambda: visitor.remembered("tilko_session_id") is None, every=0.1)
    assert not {key for key in visitor.remembered_keys() if key.startswith("tilko_")}


def test_a_session_cancelled_in_one_tab_ends_in_the_other(
    new_context: Callable[..., BrowserContext], product: Product, phones: Phones
) -> None:
    context = new_context()
    first = Visitor(context.new_page(), product.web_url)
    first.begin(phones.add_person())
    second = Visitor(context.new_page(), product.web_url)
    second.open()
    second.expect_asked()
    first.page.bring_to_front()
    first.page.get_by_role("button", name="그만두기").click()
    expect(second.page.locator("#form-notice")).to_be_visible()
