"""The form: what is wrong is told where it is wrong, and hands alone can do it all."""

from playwright.sync_api import Locator, expect

from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones, Someone

_NOBODY = Someone("김하늘", "19840517", "01099999999")


def _error_of(visitor: Visitor, field: str) -> Locator:
    return visitor.page.locator(f"#{field}-error")


def test_an_empty_form_names_every_field(visitor: Visitor) -> None:
    visitor.open()
    visitor.submit()
    for field in ("user_name", "birthdate", "gender", "phone_no", "private_auth_type", "terms"):
        expect(_error_of(visitor, field)).to_be_visible()
    expect(visitor.page.get_by_label("이름", exact=True)).to_be_focused()


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
    expect(visitor.page.get_by_label("휴대폰 번호")).to_have_value("01099999998")


def test_details_that_fit_nobody_lead_back_to_the_filled_form(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill_in(_NOBODY)
    visitor.submit()
    expect(visitor.page.locator("#form-notice")).to_be_focused(timeout=15_000)
    expect(visitor.page.get_by_label("이름", exact=True)).to_have_value(_NOBODY.name)
    assert visitor.remembered("tilko_session_id") is None


def test_consent_to_the_report_is_asked_of_its_buyers_alone(visitor: Visitor) -> None:
    visitor.open()
    extra = visitor.page.get_by_label("질병 예측을 위한 제공")
    expect(extra).to_be_hidden()
    visitor.page.get_by_label("아래 내용에 모두 동의해요").check()
    visitor.page.get_by_text("질병 예측 리포트 받기", exact=True).click()
    expect(extra).not_to_be_checked()
    expect(visitor.page.get_by_label("아래 내용에 모두 동의해요")).not_to_be_checked()


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
    expect(visitor.dialog).to_be_visible(timeout=30_000)
    keys.press("Escape")
    visitor.expect_results()


def test_the_first_tab_stop_jumps_over_the_head(visitor: Visitor) -> None:
    visitor.open()
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_role("link", name="본문으로 건너뛰기")).to_be_focused()
    outline = visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
