"""What members add to an analysis, on the real stack: highlights and names of speakers, before a colleague's eyes."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.end_to_end.browser.conftest import Arrive, Upload
from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.browser.test_interviews import row
from tests.end_to_end.product import Product


def open_interview(page: Page, title: str) -> None:
    row(page, title).get_by_role("link").click()
    expect(page.locator("#interview-title")).to_have_text(title)


def highlights(page: Page) -> Locator:
    return page.locator("#highlights-rows > li")


def test_a_passage_is_kept_changed_and_removed_before_both(arrive: Arrive, upload: Upload) -> None:
    jun, vera = arrive("jun"), arrive("vera", viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    upload(jun, "하이라이트 인터뷰", "주문 화면이 자꾸 멈춰요. 불편했어요.")
    expect(row(jun, "하이라이트 인터뷰")).to_contain_text("분석 완료", timeout=30_000)
    for page in (jun, vera):
        open_interview(page, "하이라이트 인터뷰")
        expect(page.locator("#highlights-empty")).to_be_visible()
    expect(vera.locator("button.number")).to_have_count(0)
    jun.locator("#pick-3").focus()
    jun.keyboard.press("Enter")
    jun.keyboard.press("ArrowUp")
    jun.keyboard.press("Enter")
    expect(jun.locator("#passage-name")).to_have_text("2–3번 발화를 골랐어요.")
    assert findings(jun) == []
    jun.get_by_role("button", name="하이라이트 남기기").click()
    jun.get_by_label("태그").fill("주문, 멈춤, 주문")
    jun.get_by_label("메모").fill("다음에 더 물어보기")
    assert findings(jun) == []
    jun.get_by_label("태그").press("Enter")
    expect(jun.locator("#pick-2")).to_be_focused()
    expect(highlights(vera)).to_contain_text("다음에 더 물어보기")
    expect(highlights(vera).locator(".chip")).to_have_text(["주문", "멈춤"])
    expect(vera.locator(".utterance.highlighted")).to_have_count(2)
    assert findings(vera) == []
    jun.get_by_role("button", name="2–3번 발화 하이라이트 고치기").click()
    jun.get_by_label("메모").fill("")
    jun.get_by_role("button", name="저장", exact=True).click()
    expect(highlights(vera)).not_to_contain_text("다음에 더 물어보기")
    jun.get_by_role("button", name="2–3번 발화 하이라이트 지우기").click()
    jun.get_by_role("dialog").get_by_role("button", name="지우기").click()
    for page in (jun, vera):
        expect(page.locator("#highlights-empty")).to_be_visible()
        expect(page.locator(".utterance.highlighted")).to_have_count(0)


def test_what_happens_while_the_line_is_cut_is_shown_afterwards(arrive: Arrive, product: Product, line: Line) -> None:
    page = arrive("mina", "은행 앱 연구")
    open_interview(page, "부모님과 은행 앱")
    expect(page.locator("#highlights-empty")).to_be_visible()
    line.cut()
    expect(page.locator("#connection")).to_be_visible()
    product.execute("""
        with changed as (
            update welno.interviews set revision = revision + 1 where title = '부모님과 은행 앱' returning *
        )
        insert into welno.highlights
        select gen_random_uuid(), project_id, id, 1, 2, '[]', '그사이에 남긴 메모', created_by, now(), now()
        from changed
    """)
    line.restore()
    expect(highlights(page)).to_contain_text("그사이에 남긴 메모", timeout=30_000)


def test_all_highlights_are_found_by_tag_and_come_live(arrive: Arrive, product: Product) -> None:
    page = arrive("mina", "은행 앱 연구", viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    product.execute("""
        delete from welno.highlights;
        insert into welno.highlights
        select gen_random_uuid(), project_id, id, 1, 2, to_jsonb(array['송금', title]), '메모', created_by, now(), now()
        from welno.interviews where title in ('출근길 송금 인터뷰', '부모님과 은행 앱')
    """)
    page.get_by_role("link", name="하이라이트", exact=True).click()
    collected = page.locator("#collected-rows > li")
    expect(collected).to_have_count(2)
    assert findings(page) == []
    page.locator("#collected-tags").get_by_role("link", name="출근길 송금 인터뷰").click()
    expect(collected).to_have_count(1)
    expect(collected.locator(".excerpt")).to_have_text(re.compile(r".+: .+\n.+: .+"))
    with page.context.expect_page() as other:
        page.evaluate("open(location.pathname)")
    colleague = other.value
    open_interview(colleague, "출근길 송금 인터뷰")
    colleague.get_by_role("button", name="1–2번 발화 하이라이트 지우기").click()
    colleague.get_by_role("dialog").get_by_role("button", name="지우기").click()
    expect(collected).to_have_count(0)
    page.get_by_role("link", name="모두").click()
    expect(collected).to_have_count(1)
    collected.get_by_role("link").first.click()
    expect(page.locator("#utterance-1")).to_be_focused()


def test_selected_text_is_a_passage_of_whole_utterances(arrive: Arrive) -> None:
    page = arrive("mina", "은행 앱 연구")
    open_interview(page, "출근길 송금 인터뷰")
    first, last = page.locator("#utterance-1 p"), page.locator("#utterance-2 p")
    expect(first).to_be_visible()
    last.scroll_into_view_if_needed()
    start, end = first.bounding_box(), last.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 30, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(end["x"] + 60, end["y"] + 12, steps=4)
    page.mouse.up()
    expect(page.locator("#passage-name")).to_have_text("1–2번 발화를 골랐어요.")
    page.keyboard.press("Escape")
    expect(page.locator("#passage")).to_be_hidden()
    first.click(click_count=3)
    expect(page.locator("#passage-name")).to_have_text("1번 발화를 골랐어요.")
    page.get_by_role("button", name="취소").click()
    page.locator("#pick-2").click()
    expect(page.locator("#passage-name")).to_have_text("2번 발화를 골랐어요.")


def test_speakers_are_named_and_merged_where_the_script_is_read(arrive: Arrive) -> None:
    page = arrive("mina", "은행 앱 연구", viewport=PHONE, color_scheme="dark", reduced_motion="reduce")
    open_interview(page, "가게 사장님의 하루 정산")
    page.get_by_text("화자 이름 바꾸기").click()
    fields = page.locator("#speakers-fields input")
    fields.nth(1).fill("김하늘")
    page.get_by_role("button", name="이름 저장").click()
    expect(page.locator("#speakers-failed")).to_have_text(re.compile("사람 이름이나 번호는 쓸 수 없어요"))
    assert findings(page) == []
    for field in (fields.first, fields.nth(1)):
        field.fill("참여자 A")
    fields.nth(1).press("Enter")
    expect(page.locator(".utterance b").last).to_have_text("참여자 A")
    assert set(page.locator(".utterance b").all_inner_texts()) == {"참여자 A"}
    for field in (fields.first, fields.nth(1)):
        field.fill("")
    page.get_by_role("button", name="이름 저장").click()
    expect(page.locator(".utterance b").first).to_have_text("진행자")
