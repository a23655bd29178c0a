"""The form: what is wrong is told where it is wrong, and hands alone can do it all."""

import pytest
from playwright.sync_api import Locator, expect

from tests.end_to_end.browser.driving import REPORT, Visitor
from tests.end_to_end.browser.people import Phones, Someone

_NOBODY = Someone("김하늘", "19840517", "01099999999")


def _error_of(visitor: Visitor, field: str) -> Locator:
    return visitor.page.locator(f"#{field}-error")


def test_an_empty_form_names_every_field(visitor: Visitor) -> None:
    visitor.open()
    visitor.submit()
    for field in ("user_name", "birthdate", "gender", "phone_no", "private_auth_type", "consents"):
        expect(_error_of(visitor, field)).to_be_visible()
    summary = visitor.page.get_by_role("group", name="아래 6가지를 확인해 주세요.")
    expect(summary).to_be_focused()
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_label("이름", exact=True)).to_be_focused()


def test_the_summary_of_several_faults_leads_to_each_and_shrinks(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(_NOBODY)
    name, birthdate = visitor.page.get_by_label("이름", exact=True), visitor.page.get_by_label("생년월일")
    name.fill("")
    birthdate.fill("1984")
    visitor.submit()
    lines = visitor.page.locator("#form-summary li")
    expect(lines).to_have_text(["이름을 입력해 주세요.", "생년월일을 숫자 8자리로 입력해 주세요. 예: 19840517"])
    lines.nth(1).get_by_role("link").click()
    expect(birthdate).to_be_focused()
    birthdate.fill("19840517")
    expect(lines).to_have_count(1)
    visitor.submit()
    expect(visitor.page.locator("#form-summary")).to_be_hidden()
    expect(name).to_be_focused()


def test_a_phone_number_may_be_pasted_as_it_stands_in_the_contacts(visitor: Visitor) -> None:
    for path in ("/", "/sign-in"):
        visitor.open(path)
        field = visitor.page.get_by_label("휴대폰 번호")
        field.focus()
        visitor.page.keyboard.insert_text("+82 10-1234-5678")
        expect(field).to_have_value("010-1234-5678")
        field.blur()
        expect(_error_of(visitor, "phone_no")).to_be_hidden()


def test_dashes_of_a_phone_number_are_typed_and_deleted_by_themselves(visitor: Visitor) -> None:
    visitor.open()
    field = visitor.page.get_by_label("휴대폰 번호")
    field.press_sequentially("01012345678")
    expect(field).to_have_value("010-1234-5678")
    for _ in range(4):
        field.press("ArrowLeft")
    field.press("Backspace")  # the dash, which comes back behind the caret
    field.press("Backspace")
    expect(field).to_have_value("010-1235-678")
    field.press_sequentially("4")
    expect(field).to_have_value("010-1234-5678")


def test_a_wrong_date_is_told_when_its_field_is_left(visitor: Visitor) -> None:
    visitor.open()
    field = visitor.page.get_by_label("생년월일")
    field.fill("19840230")
    field.blur()
    expect(_error_of(visitor, "birthdate")).to_have_text("달력에 없는 날짜예요. 다시 확인해 주세요.")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("19840229")
    expect(_error_of(visitor, "birthdate")).to_be_hidden()


def test_what_only_the_server_refuses_is_told_at_the_field(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(Someone("김하늘@", "19840517", "01099999998"))
    visitor.submit()
    expect(_error_of(visitor, "user_name")).to_contain_text("이름을")
    expect(visitor.page.get_by_label("휴대폰 번호")).to_have_value("010-9999-9998")


def test_details_that_fit_nobody_lead_back_to_the_filled_form(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(_NOBODY)
    visitor.submit()
    expect(visitor.page.locator("#form-notice")).to_be_focused(timeout=15_000)
    expect(visitor.page.get_by_label("이름", exact=True)).to_have_value(_NOBODY.name)
    assert visitor.remembered("tilko_session_id") is None


def test_consent_to_the_report_is_asked_of_its_buyers_alone(visitor: Visitor) -> None:
    visitor.open()
    extra = visitor.page.get_by_label("질병 예측 리포트를 위한 제3자 제공")
    expect(extra).to_be_hidden()
    visitor.page.get_by_label("아래 내용에 모두 동의해요").check()
    visitor.page.get_by_text("질병 예측 리포트 받기", exact=True).click()
    expect(extra).not_to_be_checked()
    expect(visitor.page.get_by_label("아래 내용에 모두 동의해요")).not_to_be_checked()


def test_every_consent_has_its_text_behind_a_fold(visitor: Visitor) -> None:
    visitor.open()
    visitor.page.get_by_text("질병 예측 리포트 받기", exact=True).click()
    texts = visitor.page.locator(".term")
    expect(texts).to_have_count(5)
    for text in texts.all():
        expect(text.locator("dl")).to_be_hidden()
        text.locator("summary").click()
        expect(text.locator("dl")).to_contain_text("privacy@welno.example")
        expect(text.locator("dl")).to_contain_text("철회")


def test_a_refused_consent_is_named(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(_NOBODY)
    visitor.page.get_by_label("민감정보(건강정보) 수집·이용").uncheck()
    visitor.submit()
    expect(_error_of(visitor, "consents")).to_have_text("시작하려면 ‘민감정보(건강정보) 수집·이용’에 동의해 주세요.")
    visitor.page.get_by_label("민감정보(건강정보) 수집·이용").check()
    expect(_error_of(visitor, "consents")).to_be_hidden()


def test_who_refuses_the_consent_to_the_report_is_told_what_else_there_is(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(_NOBODY, REPORT)
    visitor.page.get_by_label("질병 예측 리포트를 위한 제3자 제공").uncheck()
    visitor.submit()
    expect(_error_of(visitor, "consents")).to_contain_text("‘건강 추이 보기’를 골라 주세요.")


def test_a_text_that_changed_while_the_page_was_open_is_shown_anew(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(_NOBODY)
    visitor.page.get_by_label("서비스 이용약관").evaluate("box => { box.dataset.sha256 = '0'.repeat(64); }")
    visitor.submit()
    expect(visitor.page.locator("#form-failure")).to_contain_text("동의 내용이 바뀌었어요.")
    visitor.page.get_by_role("button", name="새 내용 보기").click()
    expect(visitor.page.get_by_label("서비스 이용약관")).not_to_be_checked()


def test_a_child_is_told_at_the_birth_date(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(Someone("김새싹", "20200101", "01099999997"))
    visitor.submit()
    expect(_error_of(visitor, "birthdate")).to_contain_text("만 14세")


def test_who_stops_may_begin_again(visitor: Visitor, phones: Phones) -> None:
    visitor.begin(phones.add_person())
    visitor.page.get_by_role("button", name="그만두기").click()
    expect(visitor.page.get_by_role("button", name="동의하고 인증 요청 받기")).to_be_visible()
    assert not {key for key in visitor.remembered_keys() if key.startswith("tilko_")}


def test_the_keyboard_alone_is_enough(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.open()
    keys = visitor.page.keyboard
    visitor.page.get_by_label("이름", exact=True).focus()
    for text in (person.name, person.birthdate):
        keys.type(text)
        keys.press("Tab")
    keys.press("Space")
    keys.press("Tab")
    keys.type(person.phone)
    keys.press("Tab")
    keys.press("Space")
    keys.press("Tab")
    keys.press("Space")
    keys.press("Enter")
    visitor.expect_asked()
    expect(visitor.page.get_by_role("heading", name="휴대폰을 확인해 주세요")).to_be_focused()
    phones.approve(person)
    visitor.expect_results()


def test_the_first_tab_stop_jumps_over_the_head(visitor: Visitor) -> None:
    visitor.open()
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_role("link", name="본문으로 건너뛰기")).to_be_focused()
    outline = visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize("path", ["/", "/sign-in"])
def test_nothing_is_sent_before_the_page_listens(visitor: Visitor, path: str) -> None:
    visitor.page.route("**/page/collection/*.js", lambda route: route.abort())
    visitor.open(path)
    name = visitor.page.get_by_label("이름", exact=True)
    name.fill("김하늘")
    name.press("Enter")
    expect(visitor.page.locator("main [type=submit]").first).to_be_disabled()
    assert visitor.page.evaluate("location.pathname + location.search") == path
