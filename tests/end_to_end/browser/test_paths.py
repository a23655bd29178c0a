"""The two ways through the page, from the empty form to the results."""

import re

import pytest
from playwright.sync_api import expect

from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import REPORT, Visitor
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.provider import REPORT as REPORTS
from tests.end_to_end.provider import TREATMENTS
from tests.waiting import wait_until

_PICTURE = "canvas => canvas.toDataURL()"
# The page is laid out for the printer before any later task.
_BEGIN_TO_PRINT = """async () => {
    dispatchEvent(new Event("beforeprint"));
    for (let turn = 0; turn < 20; turn += 1) await null;
    return [...document.querySelectorAll("details.group canvas")].map((canvas) => canvas.hasAttribute("style"));
}"""
SIZES = pytest.mark.parametrize("width", [375, 1280])


def _fits(visitor: Visitor) -> bool:
    return bool(visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@SIZES
def test_the_trend_path_ends_with_charts(new_visitor: NewVisitor, phones: Phones, width: int) -> None:
    visitor = new_visitor(viewport={"width": width, "height": 800})
    person = phones.add_person()
    visitor.begin(person)
    expect(visitor.page.get_by_text("카카오톡을 열어 주세요.")).to_be_visible()
    assert _fits(visitor)
    phones.approve(person)
    visitor.set_password()
    visitor.expect_results()
    visitor.open_group("혈압과 혈당")
    expect(visitor.page.get_by_role("img", name="혈압 그래프")).to_be_visible()
    visitor.open_group("그 밖의 검사 결과")
    words = visitor.page.get_by_role("table", name="항목마다 가장 최근 결과")
    expect(words.get_by_role("rowheader", name="요단백")).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="진료·투약", exact=True)).to_be_visible()
    assert _fits(visitor)


def test_the_results_page_opens_while_prescriptions_are_still_fetched(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    refused: list[str] = []
    visitor.page.on("response", lambda response: response.status >= 400 and refused.append(response.url))
    visitor.begin(person)
    with phones.held(TREATMENTS, person):
        phones.approve(person)
        visitor.page.wait_for_url("**/results-trend?uuid=*&hospital=PEERNINE&sessionId=*")
        expect(visitor.page.locator("#live-text")).to_have_text("진료·투약 기록 가져오기")
        expect(visitor.page.get_by_text("기록을 저장하고 있어요. 끝나면 바로 보여드릴게요.")).to_be_visible()
        assert not visitor.offer.is_visible()
    visitor.put_password_off()
    visitor.expect_results()
    assert refused == []


def test_the_report_path_ends_with_the_report(new_visitor: NewVisitor, phones: Phones) -> None:
    visitor = new_visitor(viewport={"width": 375, "height": 800})
    person = phones.add_person()
    visitor.begin(person, REPORT)
    for share in ("#bar", "#bar-text"):
        expect(visitor.page.locator(share)).to_be_hidden()
    with phones.held(TREATMENTS, person):
        phones.approve(person)
        expect(visitor.page.locator("#bar-text")).to_contain_text("%", timeout=20_000)
    visitor.set_password()
    visitor.expect_results("/disease-report")
    page = visitor.page
    expect(page.locator("#results-lead")).to_have_text(
        re.compile(r"^\d+년 \d+월 \d+일 건강검진을 바탕으로 한 예측이에요\.$")
    )
    expect(page.locator("#bodyage")).to_contain_text("세")
    expect(page.locator("#bodyage-note")).to_have_text(re.compile(r"^실제 나이는 만 \d+세"))
    expect(page.locator("#rank")).to_have_text(re.compile(r"^100명 중 \d+위$"))
    expect(visitor.page.get_by_role("row").filter(has_text="고혈압")).to_be_visible()
    assert visitor.page.get_by_role("link", name="PDF로 보기").get_attribute("href")
    expect(visitor.page.locator("#analyzed")).to_have_text(re.compile(r"^\d+년 \d+월 \d+일에 분석했어요\.$"))
    assert _fits(visitor)


def test_the_report_path_stays_until_the_report_is_made(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person, REPORT)
    with phones.held(REPORTS):
        phones.approve(person)
        expect(visitor.page.locator("#steps .active")).to_contain_text("질병 예측 리포트", timeout=20_000)
        expect(visitor.page.locator("#spinner")).to_be_visible()
        assert visitor.page.url.rstrip("/") == visitor.url
    visitor.put_password_off()
    visitor.expect_results("/disease-report")


def test_without_the_values_for_a_report_the_trend_is_shown(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=1, newest_lacks_sugar=True)
    visitor.begin(person, REPORT)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    expect(visitor.page.get_by_text("질병 예측 리포트는 만들지 못했어요.")).to_be_visible()


def test_who_was_never_examined_is_told_so(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=0, prescriptions=3)
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    expect(visitor.page.get_by_text("등록된 건강검진 기록이 없어요.")).to_be_visible()


def test_who_was_never_examined_is_told_why_there_is_no_report(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=0, prescriptions=3)
    visitor.begin(person, REPORT)
    with phones.held(TREATMENTS, person):
        phones.approve(person)
        step = visitor.page.locator("#steps .skipped")
        expect(step).to_contain_text("질병 예측 리포트 만들기", timeout=20_000)
        expect(step).to_contain_text("건강검진 기록이 없어서 건너뛰어요")
    visitor.put_password_off()
    visitor.expect_results()
    assert "report=none" in visitor.page.url
    reason = "건강검진 기록이 없어서 질병 예측 리포트는 만들지 못했어요."
    expect(visitor.page.locator("#results-notice")).to_contain_text(reason)
    visitor.page.get_by_role("link", name="질병 예측").click()
    expect(visitor.page.get_by_role("heading", name=reason)).to_be_visible(timeout=20_000)
    expect(visitor.page.get_by_text("질병 예측 리포트 받기")).to_be_hidden()
    expect(visitor.page.get_by_role("button", name="비밀번호 정하기")).to_be_visible()


def test_the_way_back_from_the_results_does_not_lead_to_them_again(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.open("/sign-in")
    visitor.begin(person)
    with phones.held(TREATMENTS, person):
        phones.approve(person)
        visitor.page.wait_for_url("**/results-trend?**", timeout=30_000)
        visitor.page.go_back()
        expect(visitor.page).to_have_url(f"{visitor.url}/sign-in")


def test_records_without_a_report_come_with_the_offer_of_a_password_too(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=0, prescriptions=3)
    visitor.begin(person)
    phones.approve(person)
    expect(visitor.offer).to_be_visible(timeout=30_000)
    visitor.open("/disease-report")
    expect(visitor.page.locator("#nothing")).to_be_visible(timeout=20_000)
    expect(visitor.page.get_by_role("heading", name="건강 나이")).to_be_hidden()
    visitor.put_password_off()
    expect(visitor.page.locator("#after").get_by_role("button", name="비밀번호 정하기")).to_be_visible()


def test_who_has_no_records_is_asked_for_no_password(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=0, prescriptions=0)
    visitor.begin(person)
    phones.approve(person)
    visitor.expect_results()
    expect(visitor.page.locator("#results-lead")).to_contain_text("진료·투약 0건", timeout=20_000)
    expect(visitor.page.locator("#after")).to_be_visible(timeout=20_000)
    expect(visitor.page.get_by_role("button", name="비밀번호 정하기")).to_be_hidden()
    expect(visitor.offer).to_be_hidden()


def test_the_button_for_approved_is_harmless_and_remembered(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    visitor.page.get_by_role("button", name="승인했어요").click()
    phones.approve(person)
    visitor.put_password_off()
    assert visitor.remembered("tilko_manual_collect") == "true"


@SIZES
def test_the_results_come_first_and_then_the_offer_of_a_password(
    new_visitor: NewVisitor, phones: Phones, width: int
) -> None:
    visitor = new_visitor(viewport={"width": width, "height": 800})
    person = phones.add_person()
    visitor.begin(person, REPORT)
    phones.approve(person)
    visitor.expect_results("/disease-report")
    expect(visitor.offer).to_be_visible()
    expect(visitor.dialog).to_be_hidden()
    expect(visitor.page.locator("#after").get_by_role("button", name="비밀번호 정하기")).to_be_hidden()
    assert _fits(visitor)
    visitor.put_password_off()
    expect(visitor.page.get_by_role("heading", name="질병 예측 리포트")).to_be_focused()
    visitor.open("/results-trend")
    later = visitor.page.locator("#after").get_by_role("button", name="비밀번호 정하기")
    expect(later).to_be_visible()
    expect(visitor.offer).to_be_hidden()
    later.click()
    visitor.type_password("804251")
    expect(visitor.page.locator("#after").get_by_role("button", name="비밀번호 바꾸기")).to_be_visible()


def test_a_password_that_exists_is_offered_to_be_changed_alone(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.approve(person)
    visitor.set_password("804251")
    visitor.expect_results()
    visitor.page.reload()
    button = visitor.page.get_by_role("button", name="비밀번호 바꾸기")
    expect(button).to_be_visible()
    expect(visitor.offer).to_be_hidden()
    button.click()
    visitor.type_password("915362")
    expect(visitor.page.get_by_text("비밀번호를 정했어요.").last).to_be_visible()
    expect(visitor.dialog).to_be_hidden()


def test_a_password_that_was_set_in_another_tab_meanwhile_is_no_dead_end(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.approve(person)
    expect(visitor.offer).to_be_visible(timeout=30_000)
    other = Visitor(visitor.page.context.new_page(), visitor.url)
    other.page.goto(visitor.page.url)
    other.set_password("804251")
    visitor.take_offer()
    visitor.type_password("915362")
    expect(visitor.dialog).to_contain_text("이미 정해 둔 비밀번호가 있어요.")
    visitor.dialog.get_by_role("button", name="이 번호로 바꾸기").click()
    expect(visitor.page.get_by_text("비밀번호를 정했어요.").last).to_be_visible()
    expect(visitor.dialog).to_be_hidden()


def test_a_stranger_with_the_link_needs_the_password(new_visitor: NewVisitor, phones: Phones) -> None:
    owner, stranger = new_visitor(), new_visitor()
    person = phones.add_person()
    owner.begin(person)
    phones.approve(person)
    owner.set_password("804251")
    owner.expect_results()
    stranger.page.goto(owner.page.url)
    stranger.page.get_by_label("비밀번호", exact=True).fill("111112")
    stranger.page.get_by_role("button", name="기록 열기").click()
    expect(stranger.page.get_by_text("비밀번호가 맞지 않아요.")).to_be_visible()
    stranger.page.get_by_label("비밀번호", exact=True).fill("804251")
    stranger.page.keyboard.press("Enter")
    expect(stranger.page.locator("#content")).to_be_visible()


def test_charts_are_drawn_anew_in_every_colour_scheme(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    visitor.open_group("체중과 비만도")
    chart = visitor.page.get_by_role("img", name="체중 그래프")
    seen = {chart.evaluate(_PICTURE)}
    for traits in ({"color_scheme": "dark"}, {"contrast": "more"}, {"forced_colors": "active"}):
        visitor.page.emulate_media(**traits)  # type: ignore[arg-type] # one of its own words
        seen.add(wait_until(lambda: {chart.evaluate(_PICTURE)} - seen, 10).pop())
    assert _fits(visitor)


def test_the_trend_names_whose_records_and_what_is_to_be_looked_at(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    page = visitor.page
    expect(page.locator("#results-lead")).to_contain_text(f"{person.name}님의 기록이에요.")
    expect(page.locator("#results-lead")).to_contain_text("에 모았어요.")
    expect(page.locator("#verdicts-rows li").first).to_contain_text("정상")
    expect(page.get_by_role("heading", name="살펴볼 항목")).to_be_visible()
    expect(page.get_by_role("img", name="체중 그래프")).to_be_hidden()


def test_treatments_are_found_by_word_and_listed_by_medicine(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(prescriptions=60)
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    page = visitor.page
    first = page.locator("#visits-rows strong").first
    expect(first).to_be_visible(timeout=20_000)
    place = first.inner_text()
    page.get_by_label("병원이나 약 이름으로 찾기").fill(place)
    expect(page.locator("#visits-found")).to_contain_text("찾은 기록")
    assert set(page.locator("#visits-rows strong").all_inner_texts()) == {place}
    page.get_by_label("병원이나 약 이름으로 찾기").fill("그런 말은 없음")
    expect(page.locator("#visits-found")).to_contain_text("찾는 기록이 없어요.")
    page.get_by_label("병원이나 약 이름으로 찾기").fill("")
    page.get_by_text("약별").click()
    expect(page.locator("#visits-rows .medicine").first).to_be_visible()


def test_a_printed_trend_has_every_group_and_every_visit(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(prescriptions=60)
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    expect(visitor.page.locator("#visits-rows li").first).to_be_visible(timeout=20_000)
    expect(visitor.page.locator("#visits-chart canvas[style]")).to_be_visible()
    expect(visitor.page.locator("details.group canvas[style]")).to_have_count(0)
    assert set(visitor.page.evaluate(_BEGIN_TO_PRINT)) == {True}
    expect(visitor.page.get_by_role("img", name="혈압 그래프")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="더 보기")).to_be_hidden()
