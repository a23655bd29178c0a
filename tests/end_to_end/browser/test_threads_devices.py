"""Devices, the printed code and who is in a thread, in browsers on the real stack."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from tests.end_to_end.browser import test_threads
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.browser.test_threads import Arrive, Correspondent
from tests.end_to_end.product import Product
from tests.integration.commands import run_command

# Fixtures.
new_login, arrive = test_threads.new_login, test_threads.arrive
SOON = 30_000
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FINGERPRINT = re.compile(r"^([A-Z2-7]{4} ){5}[A-Z2-7]{4}$")
NewContext = Callable[..., BrowserContext]


def fingerprint_of(page: Page) -> str:
    """Of the device that waits there."""
    shown = page.locator("#own-fingerprint")
    expect(shown).to_have_text(FINGERPRINT, timeout=SOON)
    return shown.inner_text()


def row_of(page: Page, fingerprint: str) -> Any:
    return page.locator("#own-devices-rows li").filter(has_text=fingerprint)


def confirm(page: Page, answer: str) -> None:
    page.locator("#confirm").get_by_role("button", name=answer).click()


def make_code(someone: Correspondent) -> str:
    page = someone.page
    page.get_by_role("button", name="비상 코드 만들기").click()
    groups = page.locator("#recovery-code li")
    expect(groups).to_have_count(8, timeout=SOON)
    code = "-".join(groups.all_inner_texts())
    page.get_by_role("button", name="종이에 옮겼어요").click()
    expect(page.locator("#recovery-facts")).to_contain_text("코드를 쓰고 있어요", timeout=SOON)
    # The list may tell of the code before all is sealed to it.
    expect(page.get_by_text("비상 코드를 쓸 수 있어요.")).to_be_attached(timeout=SOON)
    expect(groups).to_have_count(0)
    return code


def open_by_code(page: Page, code: str) -> None:
    page.get_by_role("textbox", name="비상 코드").fill(code)
    page.get_by_role("button", name="비상 코드로 열기").click()


def spoil(code: str) -> str:
    """In more than one letter, so that its check fails: of a byte, it would not always."""
    return next(wrong for letter in ALPHABET if not is_whole(wrong := f"{letter * 5}-{letter * 5}{code[11:]}"))


def is_whole(code: str) -> bool:
    number = 0
    for letter in code.replace("-", ""):
        number = number * 32 + ALPHABET.index(letter)
    data = number.to_bytes(25, "big")
    return hashlib.sha256(data[:-1]).digest()[0] == data[-1]


def begin(arrive: Arrive) -> tuple[Correspondent, Correspondent, str]:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    nurse.write("예전 말")
    doctor.expect_message("예전 말")
    return nurse, doctor, thread


def expect_key(someone: Correspondent, kid: str) -> None:
    expect(someone.page.locator("#keys-facts")).to_contain_text(f"지금 쓰는 열쇠: {kid}", timeout=SOON)


def test_a_second_browser_is_approved_by_its_fingerprint_and_revoked_again(
    arrive: Arrive, new_context: NewContext
) -> None:
    nurse, doctor, thread = begin(arrive)
    tablet = Correspondent(new_context().new_page(), nurse.url, nurse.login).sign_in()
    shown = fingerprint_of(tablet.page)
    expect(tablet.page.get_by_role("img", name="이 기기의 지문 QR")).to_be_visible()
    expect(nurse.page.get_by_text("승인을 기다리는 내 기기가 있어요.")).to_be_visible(timeout=SOON)
    row = row_of(nurse.page, shown)
    expect(row).to_contain_text("승인 기다리는 중")
    row.get_by_text("지문을 QR로 보기").click()
    expect(row.get_by_role("img", name="기다리는 기기의 지문 QR")).to_be_visible()
    row.get_by_role("button", name="이 기기 승인").click()
    expect(nurse.page.locator("#confirm-about")).to_have_text(shown)
    confirm(nurse.page, "똑같아요, 승인하기")
    expect(row).to_contain_text("사용 중", timeout=SOON)
    expect(nurse.page.get_by_text("승인을 기다리는 내 기기가 있어요.")).to_be_hidden()
    tablet.page.locator(f"#open-{thread}").click()
    expect(tablet.page.locator("#messages")).to_contain_text("예전 말", timeout=SOON)
    tablet.write("새 기기의 말")
    doctor.expect_message("새 기기의 말")
    expect(tablet.page.locator("#device-notice")).to_be_hidden(timeout=SOON)
    expect_key(nurse, "k1")

    row.get_by_role("button", name="사용 중지").click()
    confirm(nurse.page, "사용 중지")
    expect(row).to_have_count(0, timeout=SOON)
    expect_key(nurse, "k2")
    nurse.write("둘만의 말")
    doctor.expect_message("둘만의 말")
    expect(tablet.page.get_by_text("이 기기는 사용 중지되어서")).to_be_visible(timeout=SOON)
    assert "둘만의 말" not in tablet.page.locator("#messages").inner_text()
    other = Correspondent(tablet.page.context.new_page(), nurse.url, nurse.login).sign_in()
    expect(other.page.get_by_text("이 기기는 사용 중지되어서")).to_be_visible(timeout=SOON)
    tablet.page.get_by_role("button", name="새 기기로 다시 등록").click()
    confirm(tablet.page, "새로 등록")
    anew = fingerprint_of(tablet.page)
    assert anew != shown
    expect(other.page.locator("#own-fingerprint")).to_have_text(anew, timeout=SOON)


def test_whoever_was_just_identified_needs_no_other_device(
    visitor: Visitor, new_visitor: Callable[..., Visitor], phones: Phones, arrive: Arrive
) -> None:
    person = phones.add_person(checkups=1)
    nurse = arrive()
    first, second = visitor, new_visitor()
    for each in (first, second):
        each.begin(person)
        phones.approve(person)
        each.put_password_off()
        each.expect_results()
        each.open("/threads")
    patient = Correspondent(first.page, first.url, "")
    expect(first.page.locator("#member-id")).to_contain_text("patient:", timeout=SOON)
    thread = nurse.begin_thread(patient.member_id)
    nurse.write("예전 말")
    fingerprint_of(second.page)
    second.page.get_by_role("button", name="본인 확인으로 열기").click()
    expect(second.page.locator("#device-waiting")).to_be_hidden(timeout=SOON)
    expect(nurse.page.locator("#messages")).to_contain_text("님의 기기가 늘었어요.", timeout=SOON)
    second.page.locator(f"#open-{thread}").click()
    expect(second.page.locator("#messages")).to_contain_text("예전 말", timeout=SOON)


def test_staff_who_have_lost_all_devices_are_let_in_by_an_operator(
    arrive: Arrive, new_context: NewContext, product: Product
) -> None:
    nurse, doctor, thread = begin(arrive)
    nurse.page.context.close()
    phone = Correspondent(new_context(viewport=PHONE).new_page(), nurse.url, nurse.login).sign_in()
    shown = fingerprint_of(phone.page)
    expect(phone.page.get_by_text("병원의 전산 담당자에게 이 지문을 불러 주세요.")).to_be_visible()
    options = (f"--login={nurse.login}", f"--fingerprint={shown}", "--by=the night shift")
    admitted = run_command("tasks.threads", "admit-device", *options, env=dict(product.stack.env))
    assert admitted.status == 0, admitted.errors
    expect(phone.page.locator("#device-waiting")).to_be_hidden(timeout=SOON)
    expect(doctor.page.locator("#messages")).to_contain_text("님의 기기가 늘었어요.", timeout=SOON)
    phone.page.locator(f"#open-{thread}").click()
    expect(phone.page.locator("#messages")).to_contain_text("예전 말", timeout=SOON)
    phone.write("새 기기의 말")
    doctor.expect_message("새 기기의 말")


def test_a_new_phone_and_nothing_but_the_code_opens_all_old_messages(arrive: Arrive, new_context: NewContext) -> None:
    nurse, doctor, thread = begin(arrive)
    code = make_code(nurse)
    nurse.write("나중 말")
    doctor.expect_message("나중 말")
    nurse.page.context.close()
    phone = Correspondent(new_context(viewport=PHONE).new_page(), nurse.url, nurse.login).sign_in()
    page = phone.page
    fingerprint_of(page)
    fault = page.locator("#recover-error")
    other = "7" if code[13] != "7" else "8"
    for wrong, told in (
        (code[:13] + other + code[14:], "3번째 묶음이 달라요."),
        (f"U{code[1:]}", "1번째 묶음이 달라요."),
        (code[:10], "다섯 글자씩 여덟 묶음"),
        (spoil(code), "코드가 맞지 않아요."),
    ):
        open_by_code(page, wrong)
        expect(fault).to_contain_text(told, timeout=SOON)
    open_by_code(page, code.lower())
    expect(page.locator("#device-waiting")).to_be_hidden(timeout=SOON)
    page.locator(f"#open-{thread}").click()
    for said in ("예전 말", "나중 말"):
        expect(page.locator("#messages")).to_contain_text(said, timeout=SOON)
    phone.write("새 전화의 말")
    doctor.expect_message("새 전화의 말")


def test_what_was_cut_off_while_the_code_opened_it_is_opened_by_the_code_again(
    arrive: Arrive, new_context: NewContext
) -> None:
    """The phone is active by then, and nobody else is left who could send it keys."""
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    nurse.write("예전 말")
    nurse.expect_message("예전 말")
    code = make_code(nurse)
    nurse.page.context.close()
    phone = Correspondent(new_context().new_page(), nurse.url, nurse.login).sign_in()
    page, wraps = phone.page, "**/api/threads/*/keys/*/wraps"
    fingerprint_of(page)
    page.route(wraps, lambda route: route.abort())
    open_by_code(page, code)
    expect(page.locator("#own-devices-failed")).to_contain_text("서버에 연결하지 못했어요.", timeout=SOON)
    expect(page.locator("#device-waiting")).to_be_hidden(timeout=SOON)
    page.unroute(wraps)
    open_by_code(page, code)
    page.locator(f"#open-{thread}").click()
    expect(page.locator("#messages")).to_contain_text("예전 말", timeout=SOON)


def test_the_code_is_printed_alone(arrive: Arrive) -> None:
    page = arrive().page
    page.get_by_role("button", name="비상 코드 만들기").click()
    expect(page.locator("#recovery-code li")).to_have_count(8, timeout=SOON)
    page.emulate_media(media="print")
    expect(page.locator("#recovery-code")).to_be_visible()
    for hidden in (page.locator("#main"), page.get_by_role("button", name="인쇄하기")):
        expect(hidden).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="그만두기").click()
    expect(page.locator("#recovery-code li")).to_have_count(0)
    expect(page.locator("#recovery-facts")).to_contain_text("아직 없어요")


@pytest.mark.parametrize("change", ["key_made_at = now() - interval '31 days'", "key_seq = last_seq - 16777217"])
def test_the_owner_s_page_makes_the_key_that_is_due(arrive: Arrive, product: Product, change: str) -> None:
    nurse, doctor, thread = begin(arrive)
    with product.engine.begin() as connection:
        connection.execute(text(f"update welno.welno_threads set {change} where id = :id"), {"id": thread})
    expect_key(nurse, "k2")
    expect_key(doctor, "k2")
    doctor.write("새 열쇠의 말")
    nurse.expect_message("새 열쇠의 말")


def test_where_a_writer_revokes_a_device_the_owner_s_page_makes_the_next_key(
    arrive: Arrive, new_context: NewContext
) -> None:
    nurse, doctor, _ = begin(arrive)
    tablet = Correspondent(new_context().new_page(), doctor.url, doctor.login).sign_in()
    row = row_of(doctor.page, fingerprint_of(tablet.page))
    row.get_by_role("button", name="이 기기 승인").click(timeout=SOON)
    confirm(doctor.page, "똑같아요, 승인하기")
    expect(row).to_contain_text("사용 중", timeout=SOON)
    row.get_by_role("button", name="사용 중지").click()
    confirm(doctor.page, "사용 중지")
    for each in (nurse, doctor):
        expect_key(each, "k2")
        expect(each.page.locator("#messages")).to_contain_text("기기 하나를 더 쓰지 않아요.", timeout=SOON)


def test_owners_add_remove_and_give_roles_and_the_last_one_stays(arrive: Arrive) -> None:
    nurse, doctor, thread = begin(arrive)
    later, page = arrive(), nurse.page
    page.get_by_text("함께하는 사람", exact=True).click()
    page.get_by_role("button", name="이 대화방에서 나가기").click()
    confirm(page, "나가기")
    expect(page.locator("#members-failed")).to_contain_text("관리하는 사람이 한 명은 있어야 해요.", timeout=SOON)
    page.get_by_label("나의 역할").select_option("reader")
    expect(page.locator("#members-failed")).to_contain_text("다른 사람을 먼저 관리로 바꿔 주세요.", timeout=SOON)
    expect(page.get_by_label("나의 역할")).to_have_value("owner")

    page.get_by_label("더할 사람의 아이디").fill(later.member_id)
    page.get_by_label("지금부터 쓰는 것만 볼 수 있어요").check()
    page.locator("#member-button").click()
    expect(page.locator("#members-rows li")).to_have_count(3, timeout=SOON)
    expect_key(nurse, "k2")
    nurse.write("셋의 말")
    later.open_thread(thread)
    later.expect_message("셋의 말")
    assert "예전 말" not in later.page.locator("#messages").inner_text()

    of_doctor = f"직원 {doctor.member_id.partition(':')[2][:8]}"
    page.get_by_label(f"{of_doctor}의 역할").select_option("owner")
    expect(doctor.page.locator("#thread-facts")).to_contain_text("나(관리)", timeout=SOON)
    doctor.page.get_by_text("함께하는 사람", exact=True).click()
    of_later = f"직원 {later.member_id.partition(':')[2][:8]}"
    doctor.page.get_by_role("button", name=f"{of_later} 내보내기").click()
    confirm(doctor.page, "내보내기")
    expect(doctor.page.locator("#members-rows li")).to_have_count(2, timeout=SOON)
    expect_key(doctor, "k3")
    doctor.write("둘의 말")
    nurse.expect_message("둘의 말")
    assert "둘의 말" not in later.page.locator("#messages").inner_text()

    page.get_by_role("button", name="이 대화방에서 나가기").click()
    confirm(page, "나가기")
    expect(page.locator("#thread")).to_be_hidden(timeout=SOON)
    expect(page.locator(f"#open-{thread}")).to_have_count(0, timeout=SOON)
    expect_key(doctor, "k4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_devices_code_and_members_are_accessible_on_a_phone(
    arrive: Arrive, new_context: NewContext, scheme: str
) -> None:
    looks: dict[str, Any] = {"viewport": PHONE, "color_scheme": scheme, "reduced_motion": "reduce"}
    nurse = arrive(**looks)
    page = nurse.page
    tablet = Correspondent(new_context(**looks).new_page(), nurse.url, nurse.login).sign_in()
    shown = fingerprint_of(tablet.page)
    open_by_code(tablet.page, "x")
    expect(tablet.page.locator("#recover-error")).to_be_visible(timeout=SOON)
    assert findings(tablet.page) == []
    row = row_of(page, shown)
    expect(row).to_be_visible(timeout=SOON)
    row.get_by_text("지문을 QR로 보기").click()
    expect(row.get_by_role("img")).to_be_visible()
    assert findings(page) == []
    row.get_by_role("button", name="이 기기 승인").click()
    assert findings(page) == []
    confirm(page, "그대로 두기")
    page.get_by_role("button", name="비상 코드 만들기").click()
    expect(page.locator("#recovery-code li")).to_have_count(8, timeout=SOON)
    assert findings(page) == []
    page.get_by_role("button", name="그만두기").click()
    nurse.begin_thread("staff:nobody")
    page.get_by_text("함께하는 사람", exact=True).click()
    expect(page.locator("#members-rows li")).to_have_count(2, timeout=SOON)
    assert findings(page) == []
