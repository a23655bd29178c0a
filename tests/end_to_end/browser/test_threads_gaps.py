"""Numbers that a browser does not have: told where they cannot be had, and not where they are not for it."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import text

from tests.accessibility import examine
from tests.end_to_end.browser import test_threads
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.browser.test_threads import SOON, Arrive, Correspondent
from tests.end_to_end.product import Product

# Fixtures.
new_login, arrive = test_threads.new_login, test_threads.arrive
DESKTOP = {"width": 1280, "height": 900}
GONE = "보관 기간이 지나서 서버에서 지워졌어요."


def trim(product: Product, thread: str, last: int) -> None:
    """As after the days that payloads are kept."""
    statement = text("update welno.welno_threads set trimmed_seq = :last where id = :thread")
    with product.engine.begin() as connection:
        connection.execute(statement, {"last": last, "thread": thread})


def expect_lost(page: Page, what: str) -> None:
    lost = page.locator("#messages .lost")
    expect(lost).to_have_count(1, timeout=SOON)
    expect(lost).to_contain_text(f"{what}쪽 메시지는 볼 수 없어요. {GONE}")
    expect(lost).to_contain_text("보낸 분에게 다시 보내 달라고 해 주세요.")


def shoot(page: Page, name: str) -> None:
    """For people to look at, where somebody asked for it."""
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=str(Path(shots) / f"{name}.png"), full_page=True)


def test_messages_that_are_gone_are_told_where_they_stood(arrive: Arrive, product: Product) -> None:
    nurse, doctor = arrive(), arrive(viewport=PHONE)
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    nurse.write("아침 혈압 128/82")
    doctor.expect_message("아침 혈압")
    doctor.page.goto("about:blank")
    for number in (1, 2):
        nurse.write(f"지워질 말 {number}")
        nurse.expect_message(f"지워질 말 {number}")
    trim(product, thread, 4)
    nurse.write("저녁 혈압 124/80")
    nurse.expect_message("저녁 혈압")
    doctor.page.goto(f"{doctor.url}/threads#{thread}")
    doctor.expect_message("저녁 혈압")
    expect_lost(doctor.page, "3~4")
    assert doctor.texts() == ["아침 혈압 128/82", *lost_words(doctor), "저녁 혈압 124/80"]
    assert examine(doctor.page, "messages that are gone", findings(doctor.page)) == []
    shoot(doctor.page, "lost-phone")
    doctor.page.reload()
    doctor.expect_message("저녁 혈압")
    expect_lost(doctor.page, "3~4")
    doctor.page.set_viewport_size(DESKTOP)
    shoot(doctor.page, "lost-desktop")


def lost_words(reader: Correspondent) -> list[str]:
    found: list[str] = reader.page.locator("#messages .lost p").all_inner_texts()
    return found


def test_a_new_browser_is_told_that_the_first_messages_are_gone(arrive: Arrive, product: Product) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    nurse.write("지워질 말")
    nurse.expect_message("지워질 말")
    trim(product, thread, 2)
    nurse.write("남은 말")
    doctor.open_thread(thread)
    doctor.expect_message("남은 말")
    expect_lost(doctor.page, "1~2")


def test_who_is_back_from_now_on_is_told_of_nothing_that_lacks(arrive: Arrive) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    nurse.write("예전 말")
    doctor.expect_message("예전 말")
    page = nurse.page
    page.get_by_text("함께하는 사람", exact=True).click()
    page.locator("#members-rows").get_by_role("button", name="내보내기").click()
    page.locator("#confirm").get_by_role("button", name="내보내기").click()
    expect(page.locator("#keys-facts")).to_contain_text("지금 쓰는 열쇠: k2", timeout=SOON)
    for number in (1, 2):
        nurse.write(f"없는 동안의 말 {number}")
        nurse.expect_message(f"없는 동안의 말 {number}")
    page.get_by_label("더할 사람의 아이디").fill(doctor.member_id)
    page.get_by_label("지금부터 쓰는 것만 볼 수 있어요").check()
    page.get_by_role("button", name="더하기", exact=True).click()
    expect(page.locator("#keys-facts")).to_contain_text("지금 쓰는 열쇠: k3", timeout=SOON)
    doctor.page.reload()
    doctor.page.locator(f"#open-{thread}").click()
    nurse.write("다시 온 뒤의 말")
    doctor.expect_message("다시 온 뒤의 말")
    assert doctor.texts() == ["예전 말", "다시 온 뒤의 말"]
    expect(doctor.page.locator("#messages .lost")).to_have_count(0)
    expect(doctor.page.locator("#gap")).to_be_hidden()
    expect(page.locator("#thread-facts")).to_contain_text("(쓰기) 9/9쪽 읽음", timeout=SOON)


def test_what_was_sent_stays_visible_until_it_has_come_back(arrive: Arrive) -> None:
    nurse = arrive()
    page = nurse.page
    thread = nurse.begin_thread("staff:nobody")
    page.route_web_socket("**/ws/threads", lambda socket: socket.close())
    unread = re.compile(r"/(events|range)\b")
    page.route(unread, lambda route: route.abort())
    nurse.open_thread(thread)
    nurse.write("아직 돌아오지 않은 말")
    rows = page.locator("#outbox-rows li")
    expect(rows).to_contain_text("보냈어요", timeout=SOON)
    expect(rows).to_contain_text("아직 돌아오지 않은 말")
    nurse.expect_waiting(0)
    page.unroute(unread)
    page.evaluate("dispatchEvent(new Event('online'))")
    nurse.expect_message("아직 돌아오지 않은 말")
    expect(rows).to_have_count(0)
