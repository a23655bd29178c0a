"""A project's settings on the real stack: its members, what it costs, its files; and what a viewer sees of them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.end_to_end.browser.conftest import PROJECT, Arrive, Upload
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.browser.test_interviews import row
from tests.end_to_end.product import Product

BANK = "은행 앱 연구"


def open_settings(page: Page) -> None:
    page.get_by_role("link", name="설정").click()
    expect(page.locator("#members-rows li").first).to_be_visible()


def member(page: Page, email: str) -> Locator:
    return page.locator("#members-rows li").filter(has_text=email)


@pytest.fixture
def strict_bank(product: Product) -> Iterator[None]:
    """The bank's project requires consent."""
    change = "update welno.projects set requires_consent = {} where name = '은행 앱 연구'"
    product.execute(change.format(True))
    yield
    product.execute(change.format(False))


@pytest.fixture
def budget(product: Product) -> Iterator[None]:
    change = "update welno.projects set monthly_token_limit = {} where name = '배달 앱 연구'"
    product.execute(change.format(1_000_000))
    yield
    product.execute(change.format("null"))


def test_an_admin_lets_a_colleague_in_and_out(arrive: Arrive) -> None:
    mina = arrive("mina", BANK, viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    open_settings(mina)
    mina.get_by_label("이메일").fill("nobody@demo.test")
    mina.get_by_role("button", name="들이기").click()
    expect(mina.locator("#member-failed")).to_contain_text("같은 회사에 이 이메일을 쓰는 계정이 없어요.")
    assert findings(mina) == []
    mina.get_by_label("이메일").fill("jun@demo.test")
    mina.get_by_role("button", name="들이기").click()
    expect(member(mina, "jun@demo.test")).to_be_visible()
    jun = arrive("jun", BANK)
    open_settings(jun)
    expect(jun.locator("#member-form")).to_be_hidden()
    mina.get_by_label("준 역할", exact=True).select_option("editor")
    mina.get_by_role("button", name="준 역할 바꾸기").click()
    expect(mina.locator(".toast").filter(has_text="준 님의 역할을 바꿨어요: 편집")).to_be_visible()
    mina.get_by_role("button", name="준 내보내기").click()
    mina.get_by_role("dialog").get_by_role("button", name="내보내기").click()
    expect(member(mina, "jun@demo.test")).to_have_count(0)
    jun.get_by_role("link", name="인터뷰", exact=True).click()
    expect(jun.locator("#interviews-failed")).to_contain_text("이 프로젝트를 더 볼 수 없어요.")


def test_the_only_admin_stays(arrive: Arrive) -> None:
    page = arrive("mina", BANK)
    open_settings(page)
    page.get_by_role("button", name="미나 나가기").click()
    page.get_by_role("dialog").get_by_role("button", name="나가기").click()
    expect(page.locator(".toast")).to_contain_text("관리하는 사람이 한 명은 있어야 해요.")
    expect(member(page, "mina@demo.test")).to_be_visible()


def test_a_viewer_sees_who_is_in_and_takes_the_analyses_along(arrive: Arrive) -> None:
    page = arrive("vera", viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    open_settings(page)
    expect(member(page, "jun@demo.test")).to_contain_text("편집")
    for hidden in ("#member-form", "#costs", "#reads"):
        expect(page.locator(hidden)).to_be_hidden()
    assert findings(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == f"{PROJECT}.csv"


@pytest.mark.usefixtures("budget")
def test_an_admin_sees_what_was_spent_and_what_is_left(arrive: Arrive, upload: Upload) -> None:
    page = arrive("mina", viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    upload(page, "비용 인터뷰", "배달비가 얼마인지 끝까지 몰라요. 불편했어요.")
    expect(row(page, "비용 인터뷰")).to_contain_text("분석 완료", timeout=30_000)
    open_settings(page)
    expect(page.locator("#costs-left")).to_have_text(
        re.compile(r"한 달 한도 1,000,000 토큰 가운데 [\d,]+ 토큰을 썼고, [\d,]+ 토큰이 남았어요\.")
    )
    cost = page.locator("#costs-rows tr").filter(has_text="비용 인터뷰").locator("td")
    expect(cost.first).to_have_text("1")
    expect(cost.nth(1)).to_have_text(re.compile(r"[1-9][\d,]*"))
    assert findings(page) == []


@pytest.mark.usefixtures("strict_bank")
def test_the_state_of_consent_and_who_read_an_original_are_shown(arrive: Arrive, product: Product) -> None:
    page = arrive("mina", BANK)
    row(page, "출근길 송금 인터뷰").get_by_role("link").click()
    expect(page.locator("#interview-facts")).to_contain_text("동의 기록 없음")
    open_settings(page)
    expect(page.locator("#consent-required")).to_be_visible()
    expect(page.get_by_text("아직 아무도 원본을 받지 않았어요.")).to_be_visible()
    product.execute("""
        insert into welno.original_reads (project_id, interview_id, account_id, read_at, request_id)
        select i.project_id, i.id, i.created_by, now(), 'r' from welno.interviews i where title = '출근길 송금 인터뷰'
    """)
    page.get_by_role("link", name="찾기", exact=True).click()
    open_settings(page)
    expect(page.locator("#reads-rows")).to_contain_text("출근길 송금 인터뷰")
    expect(page.locator("#reads-rows")).to_contain_text("미나")
    assert findings(page) == []


def test_a_deleted_interview_is_read_by_a_link_that_stayed(arrive: Arrive, product: Product) -> None:
    page = arrive("mina", BANK)
    product.execute("""
        insert into welno.miso_costs
        select id, 9, project_id, now(), 1, 1200, 3.5 from welno.interviews where title = '부모님과 은행 앱'
    """)
    row(page, "부모님과 은행 앱").get_by_role("link").click()
    expect(page.locator("#highlights")).to_be_visible()
    page.get_by_role("button", name="삭제", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="삭제").click()
    expect(row(page, "부모님과 은행 앱")).to_have_count(0)
    open_settings(page)
    page.locator("#costs-rows").get_by_role("link", name="부모님과 은행 앱").click()
    expect(page.locator("#interview-facts")).to_contain_text("삭제한 인터뷰")
    for hidden in ("#highlights", "#speakers", "#interview-delete", "#interview-xlsx"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("button.number")).to_have_count(0)
    assert findings(page) == []
    page.get_by_text("삭제한 인터뷰", exact=True).first.click()
    page.get_by_role("button", name="부모님과 은행 앱 되돌리기").click()
    expect(row(page, "부모님과 은행 앱")).to_be_visible()
