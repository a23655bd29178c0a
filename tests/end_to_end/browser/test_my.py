"""`/my`: who looked, what was agreed to, where one is signed in, and the end of it all; and the way back in."""

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones, Someone
from tests.end_to_end.product import Product

PASSWORD = "804251"
_ELSEWHERE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"
SIZES = pytest.mark.parametrize(("width", "height"), [(375, 800), (1280, 900)])
_LOCKED = "비밀번호를 입력해 주세요"


def collect(visitor: Visitor, person: Someone, phones: Phones) -> None:
    visitor.begin(person)
    phones.approve(person)
    visitor.set_password(PASSWORD)
    visitor.expect_results()
    expect(visitor.page.locator("#live")).to_be_hidden(timeout=20_000)


def sign_in(visitor: Visitor, person: Someone, password: str = PASSWORD) -> None:
    visitor.open("/")
    visitor.page.get_by_role("link", name="이미 모은 기록 열기").click()
    visitor.page.get_by_label("이름", exact=True).fill(person.name)
    visitor.page.get_by_label("생년월일").fill(person.birthdate)
    visitor.page.get_by_label("휴대폰 번호").fill(person.phone)
    visitor.page.get_by_label("비밀번호", exact=True).fill(password)
    visitor.page.get_by_role("button", name="기록 열기").click()


def open_my(visitor: Visitor) -> None:
    visitor.page.get_by_role("link", name="내 정보").click()
    expect(visitor.page.locator("#looks-rows li").first).to_be_visible(timeout=20_000)
    expect(visitor.page.locator("#places-rows li").first).to_be_visible(timeout=20_000)


def expect_fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_comes_back_is_let_in_without_a_link_and_told_of_the_last_time(
    new_visitor: NewVisitor, phones: Phones
) -> None:
    first, again = new_visitor(user_agent=_ELSEWHERE), new_visitor(viewport={"width": 375, "height": 800})
    person = phones.add_person(checkups=2)
    collect(first, person, phones)
    sign_in(again, person, "915362")
    expect(again.page.locator("#sign-in-failure")).to_contain_text("네 가지를 모두 다시 확인해 주세요.")
    expect_fits(again.page)
    again.page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    again.page.keyboard.press("Enter")
    again.expect_results()
    told = again.page.locator("#openings-rows li")
    expect(told).to_have_count(1, timeout=20_000)
    expect(told).to_contain_text("본인 (휴대폰 인증) · Safari · iPhone · 10.0.")
    expect_fits(again.page)
    again.page.get_by_role("button", name="확인했어요").click()
    again.page.reload()
    expect(again.page.locator("#content")).to_be_visible(timeout=20_000)
    open_my(again)
    expect(again.page.locator("#openings")).to_be_hidden()


def test_each_field_of_the_sign_in_says_what_is_wrong(visitor: Visitor) -> None:
    visitor.open("/sign-in")
    visitor.page.get_by_role("button", name="기록 열기").click()
    for field in ("user_name", "birthdate", "phone_no", "password"):
        expect(visitor.page.locator(f"#{field}-error")).to_be_visible()
    expect(visitor.page.get_by_role("group", name="아래 4가지를 확인해 주세요.")).to_be_focused()


@SIZES
def test_looks_consents_and_sessions_are_shown(
    new_visitor: NewVisitor, phones: Phones, width: int, height: int
) -> None:
    visitor = new_visitor(viewport={"width": width, "height": height})
    collect(visitor, phones.add_person(checkups=2), phones)
    open_my(visitor)
    expect(visitor.page.locator("#looks-rows")).to_contain_text("본인 (휴대폰 인증) 건강검진 기록을 봤어요.")
    expect(visitor.page.locator("#consents-rows")).to_contain_text("서비스 이용약관")
    expect(visitor.page.locator("#places-rows li")).to_contain_text("휴대폰 인증으로 열었어요 · 10.0.")
    expect(visitor.page.locator("#places-rows li")).to_contain_text("이 브라우저")
    expect(visitor.page.get_by_role("button", name="다른 곳 모두 로그아웃")).to_be_hidden()
    expect_fits(visitor.page)


def test_another_place_is_signed_out_from_here(new_visitor: NewVisitor, phones: Phones) -> None:
    here, there = new_visitor(), new_visitor()
    person = phones.add_person()
    collect(here, person, phones)
    sign_in(there, person)
    there.expect_results()
    open_my(here)
    here.page.get_by_role("button", name="끝내기: ").click()
    expect(here.page.locator("#places-rows li")).to_have_count(1)
    there.page.reload()
    expect(there.page.get_by_role("heading", name=_LOCKED)).to_be_visible(timeout=20_000)
    expect(there.page.locator("#content")).to_be_hidden()


def test_who_signed_in_by_password_changes_it(new_visitor: NewVisitor, phones: Phones) -> None:
    first, again = new_visitor(), new_visitor(viewport={"width": 375, "height": 800})
    person = phones.add_person(checkups=2)
    collect(first, person, phones)
    sign_in(again, person)
    again.expect_results()
    page = again.page
    page.get_by_role("button", name="비밀번호 바꾸기").click()
    again.type_password("915362")
    expect(page.locator("#current-password-error")).to_contain_text("지금 비밀번호를 입력해 주세요.")
    expect(page.get_by_label("지금 비밀번호")).to_be_focused()
    again.dialog.get_by_role("button", name="나중에 할게요").click()
    open_my(again)
    page.get_by_role("button", name="비밀번호 바꾸기").click()
    dialog = page.get_by_role("dialog", name="비밀번호를 바꿔 주세요")
    for current in ("111222", PASSWORD):
        page.get_by_label("지금 비밀번호").fill(current)
        page.get_by_label("새 비밀번호").fill("915362")
        page.get_by_label("한 번 더").fill("915362")
        dialog.get_by_role("button", name="이 번호로 바꾸기").click()
        if current != PASSWORD:
            expect(page.locator("#current-password-error")).to_contain_text("비밀번호가 맞지 않아요.")
    expect(page.get_by_text("비밀번호를 바꿨어요.")).to_be_visible()
    expect(dialog).to_be_hidden()
    expect_fits(page)
    third = new_visitor()
    sign_in(third, person, "915362")
    third.expect_results()


def test_all_other_places_are_signed_out_at_once(new_visitor: NewVisitor, phones: Phones) -> None:
    here, *others = new_visitor(), new_visitor(), new_visitor()
    person = phones.add_person()
    collect(here, person, phones)
    for there in others:
        sign_in(there, person)
        there.expect_results()
    open_my(here)
    here.page.get_by_role("button", name="다른 곳 모두 로그아웃").click()
    expect(here.page.locator("#places-rows li")).to_have_count(1)
    for there in others:
        there.open("/my")
        expect(there.page.get_by_role("heading", name=_LOCKED)).to_be_visible(timeout=20_000)


def test_a_consent_is_withdrawn_after_a_question_and_told_on_a_page(visitor: Visitor, phones: Phones) -> None:
    collect(visitor, phones.add_person(), phones)
    open_my(visitor)
    withdraw = visitor.page.get_by_role("button", name="철회하기: 서비스 이용약관")
    withdraw.click()
    visitor.page.get_by_role("button", name="그대로 두기").click()
    withdraw.click()
    visitor.page.locator("#confirm-yes").click()
    expect(visitor.page.get_by_role("heading", name="동의를 철회했어요")).to_be_visible()
    expect(visitor.page.locator("#withdrawn-what")).to_have_text("서비스 이용약관")
    visitor.page.get_by_role("link", name="내 정보로 돌아가기").click()
    expect(visitor.page.locator("#consents-rows")).to_contain_text("철회했어요", timeout=20_000)
    expect(withdraw).to_have_count(0)


def test_the_archive_is_packed_and_fetched_once(visitor: Visitor, phones: Phones) -> None:
    collect(visitor, phones.add_person(checkups=2), phones)
    open_my(visitor)
    visitor.page.get_by_role("button", name="내려받기 준비하기").click()
    fetch = visitor.page.get_by_role("button", name="내려받기", exact=True)
    expect(fetch).to_be_focused(timeout=30_000)
    with visitor.page.expect_download() as download:
        fetch.click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert archive.testzip() is None
    assert archive.namelist()
    expect(visitor.page.get_by_text("내려받았어요.")).to_be_visible()
    expect(fetch).to_be_hidden()


def test_the_copy_on_this_device_goes_and_the_records_stay(visitor: Visitor, phones: Phones) -> None:
    collect(visitor, phones.add_person(), phones)
    open_my(visitor)
    visitor.page.get_by_role("button", name="이 기기에서 지우기").click()
    expect(visitor.page.get_by_text("이 기기에 보관한 기록을 지웠어요.")).to_be_visible()
    assert visitor.own_copies() == []
    visitor.page.get_by_role("link", name="건강 추이").click()
    expect(visitor.page.locator("#content")).to_be_visible(timeout=20_000)


def test_everything_is_erased_after_two_questions_and_told_by_a_receipt(
    visitor: Visitor, phones: Phones, product: Product
) -> None:
    collect(visitor, phones.add_person(checkups=2), phones)
    uuid = visitor.remembered("welno_patient_uuid")
    open_my(visitor)
    erase = visitor.page.get_by_role("button", name="모든 기록 지우기")
    erase.click()
    visitor.page.get_by_role("button", name="지우기로 하기").click()
    visitor.page.locator("#erase-cancel").click()
    assert product.rows("SELECT 1 FROM welno.welno_patients WHERE uuid = :uuid", uuid=uuid)
    erase.click()
    visitor.page.get_by_role("button", name="지우기로 하기").click()
    visitor.page.get_by_label("비밀번호", exact=True).last.fill("111222")
    visitor.page.get_by_role("button", name="모두 지우기").click()
    expect(visitor.page.locator("#erase-password-error")).to_have_text("비밀번호가 맞지 않아요.")
    visitor.page.get_by_label("비밀번호", exact=True).last.fill(PASSWORD)
    visitor.page.get_by_role("button", name="모두 지우기").click()
    expect(visitor.page.get_by_role("heading", name="기록을 모두 지웠어요")).to_be_visible(timeout=30_000)
    expect(visitor.page.locator("#erased-rows")).to_contain_text("건강검진 기록")
    expect(visitor.page.locator("#kept-rows")).to_contain_text("백업")
    assert product.rows("SELECT 1 FROM welno.welno_patients WHERE uuid = :uuid", uuid=uuid) == []
    assert visitor.remembered_keys() == set()
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", name="기록을 모두 지웠어요")).to_be_visible()


def test_without_a_session_the_page_is_locked(new_visitor: NewVisitor, phones: Phones) -> None:
    owner, stranger = new_visitor(), new_visitor()
    collect(owner, phones.add_person(), phones)
    stranger.open(f"/my?uuid={owner.remembered('welno_patient_uuid')}")
    expect(stranger.page.get_by_role("heading", name=_LOCKED)).to_be_visible()
    expect(stranger.page.locator("#content")).to_be_hidden()
    stranger.open("/my")
    expect(stranger.page.get_by_text("아직 볼 수 있는 기록이 없어요")).to_be_visible()


def test_records_of_an_older_number_are_joined_by_their_password_and_taken_apart(
    new_visitor: NewVisitor, phones: Phones
) -> None:
    before, now = new_visitor(), new_visitor(viewport={"width": 375, "height": 800})
    older = phones.add_person(checkups=2)
    collect(before, older, phones)
    newer = Someone(older.name, older.birthdate, phones.add_person().phone)
    phones.provider.learn(user_name=newer.name, birthdate=newer.birthdate, phone_no=newer.phone, gender="M")
    collect(now, newer, phones)
    open_my(now)
    now.page.get_by_role("button", name="이전 기록 함께 보기").click()
    expect(now.page.get_by_role("group", name="아래 4가지를 확인해 주세요.")).to_be_focused()
    now.page.get_by_label("이름", exact=True).fill(older.name)
    now.page.get_by_label("생년월일").fill(older.birthdate)
    now.page.get_by_label("이전 휴대폰 번호").fill(older.phone)
    now.page.get_by_label("이전 기록의 비밀번호").fill("915362")
    now.page.keyboard.press("Enter")
    expect(now.page.locator("#join-failure")).to_contain_text("네 가지를 모두 다시 확인해 주세요.")
    expect_fits(now.page)
    now.page.get_by_label("이전 기록의 비밀번호").fill(PASSWORD)
    now.page.keyboard.press("Enter")
    expect(now.page.locator("#join-state")).to_contain_text("함께 보여드리고 있어요")
    now.page.reload()
    expect(now.page.locator("#join-state")).to_contain_text("까지 다시 나눌 수 있어요", timeout=20_000)
    open_my(before)
    expect(before.page.locator("#join-state")).to_contain_text("새 번호의 기록에서 이 기록을 함께 보고 있어요.")
    expect(before.page.get_by_role("button", name="다시 나누기")).to_be_visible()
    expect(before.page.get_by_role("button", name="이전 기록 함께 보기")).to_be_hidden()
    now.page.get_by_role("button", name="다시 나누기").click()
    now.page.get_by_role("button", name="나누기", exact=True).click()
    expect(now.page.get_by_role("button", name="이전 기록 함께 보기")).to_be_visible()
