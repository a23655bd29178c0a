"""The back end in a thread, in browsers on the real stack: it is seen, brings a patient's records, and is sent away."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from services.threads.record_messages import SentKind, SentRecord
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.browser.test_accessibility import findings
from tests.end_to_end.browser.test_threads import Arrive, Correspondent, arrive, new_login  # noqa: F401 fixtures

SOON = 30_000
READS = "웰노(서버)가 이 대화방의 메시지를 읽을 수 있어요"


_SHOW_PARTS = """async (parts) => {
    const { RecordsView } = await import("/static/page/threads/records_view.js");
    const view = new RecordsView(), encoder = new TextEncoder();
    const places = parts.map((part) => view.make("application/vnd.welno.record-part+json", encoder.encode(part)));
    const total = JSON.parse(parts[0]).parts, name = `${total}/${total}`;
    const last = places.findLast(({ textContent }) => textContent.includes(name));
    if (new Set(parts).size === total)
        await new Promise((resolve) => new MutationObserver(resolve).observe(last, { childList: true }));
    return places.map(({ textContent }) => textContent);
}"""


@pytest.fixture
def patient(visitor: Visitor, phones: Phones) -> Correspondent:
    """With a checkup and a treatment, on the threads' page."""
    person = phones.add_person(checkups=1)
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    visitor.open("/threads")
    expect(visitor.page.locator("#member-id")).to_contain_text("patient:", timeout=SOON)
    return Correspondent(visitor.page, visitor.url, "")


def begin_served_thread(owner: Correspondent, other: str) -> str:
    owner.page.get_by_label("웰노도 함께하기").check()
    return owner.begin_thread(other)


def expect_records(reader: Correspondent) -> None:
    messages = reader.page.locator("#messages")
    expect(messages.get_by_text("기록을 다 가져왔어요. 건강검진 1건")).to_be_visible(timeout=SOON)
    expect(messages.locator(".record").filter(has_text="건강검진").first).to_be_visible(timeout=SOON)


def test_a_patient_brings_their_records_and_the_nurse_reads_them(patient: Correspondent, arrive: Arrive) -> None:  # noqa: F811
    nurse, page = arrive(), patient.page
    assert READS in page.locator("#with-service-hint").inner_text()
    thread = begin_served_thread(patient, nurse.member_id)
    expect(page.locator("#thread-facts")).to_contain_text("웰노(쓰기)", timeout=SOON)
    expect(page.locator("#service-in")).to_contain_text("이 대화방의 메시지를 읽을 수 있어요")
    page.get_by_role("button", name="내 기록 가져오기").click()
    expect_records(patient)
    nurse.open_thread(thread)
    expect_records(nurse)
    expect(nurse.page.locator("#service-in")).to_be_visible(timeout=SOON)
    expect(nurse.page.get_by_role("button", name="내 기록 가져오기")).to_be_hidden()
    record = nurse.page.locator("#messages .record").first
    record.get_by_text("자세히").click()
    expect(record.locator("dd").first).to_be_visible()
    nurse.write("잘 받았어요")
    patient.expect_message("잘 받았어요")


def test_records_come_once_although_the_answer_was_lost(patient: Correspondent) -> None:
    page, sent = patient.page, []

    def lose(route: Route) -> None:
        sent.append(route.fetch().json()["sendingId"])
        route.abort()

    begin_served_thread(patient, "staff:nobody")
    bring = page.get_by_role("button", name="내 기록 가져오기")
    page.route("**/send-records", lose)
    bring.click(timeout=SOON)
    expect(page.locator("#service-failed")).to_be_visible(timeout=SOON)
    page.unroute("**/send-records")
    expect_records(patient)
    with page.expect_response("**/send-records", timeout=SOON) as again:
        bring.click()
    assert {again.value.json()["sendingId"]} == {*sent}
    with page.expect_response("**/send-records", timeout=SOON) as later:
        bring.click()
    assert later.value.json()["sendingId"] not in sent


def test_the_service_is_invited_and_sent_away_by_the_owner(patient: Correspondent, arrive: Arrive) -> None:  # noqa: F811
    nurse, page = arrive(), patient.page
    thread = patient.begin_thread(nurse.member_id)
    expect(page.locator("#service-out")).to_contain_text("초대하지 않아도 대화는 똑같이 할 수 있어요", timeout=SOON)
    patient.write("웰노 없이 쓴 말")
    patient.expect_message("웰노 없이 쓴 말")
    page.get_by_role("button", name="웰노 초대하기").click()
    question = page.get_by_role("dialog", name="웰노를 초대할까요?")
    expect(question).to_contain_text("읽을 수 있어요")
    question.get_by_role("button", name="초대하기").click()
    patient.expect_message("웰노님이 들어왔어요.")
    page.get_by_role("button", name="내 기록 가져오기").click(timeout=SOON)
    expect_records(patient)
    page.get_by_role("button", name="웰노 내보내기").click()
    page.get_by_role("dialog", name="웰노를 내보낼까요?").get_by_role("button", name="내보내기").click()
    patient.expect_message("웰노님이 나갔어요.")
    expect(page.locator("#keys-facts")).to_contain_text("지금 쓰는 열쇠: k3", timeout=SOON)
    expect(page.get_by_role("button", name="웰노 초대하기")).to_be_visible(timeout=SOON)
    patient.write("다시 둘이서")
    nurse.open_thread(thread)
    nurse.expect_message("웰노 없이 쓴 말")
    nurse.expect_message("다시 둘이서")


def shown_parts(page: Page, parts: list[str]) -> list[str]:
    """What the page shows in the end of parts that come in this order."""
    shown: list[str] = page.evaluate(_SHOW_PARTS, parts)
    return shown


def test_a_record_that_came_in_parts_is_shown_once_all_are_there(patient: Correspondent) -> None:
    items = [{"name": f"검사 {number}", "value": str(number), "unit": "mg"} for number in range(200)]
    content = {"checkup_date": "2026-03-02", "location": "한빛검진의원", "description": "", "items": items}
    record = SentRecord(SentKind.CHECKUPS, "7", "2026-03-02T00:00:00.000Z", content)
    parts = [one.plaintext.decode() for one in record.messages(uuid4(), 4096)]
    assert len(parts) > 3
    whole = shown_parts(patient.page, [*parts[1:], parts[0], parts[2]])
    assert sum("2026.03.02 한빛검진의원" in one for one in whole) == 1
    assert "검사 199" in "".join(whole)
    assert not any("한빛" in one for one in shown_parts(patient.page, parts[:-1]))
    changed = orjson.loads(parts[1])
    swapped = [parts[0], orjson.dumps(changed | {"data": orjson.loads(parts[0])["data"]}).decode(), *parts[2:]]
    assert "기록을 읽지 못했어요." in shown_parts(patient.page, swapped)


@pytest.mark.parametrize("width", [375, 1280])
def test_the_offer_and_the_records_fit_and_are_accessible(
    patient: Correspondent, new_context: Callable[..., BrowserContext], width: int
) -> None:
    page = patient.page
    page.set_viewport_size({"width": width, "height": 812})
    assert findings(page) == []
    begin_served_thread(patient, "staff:nobody")
    page.get_by_role("button", name="내 기록 가져오기").click(timeout=SOON)
    expect_records(patient)
    page.locator("#messages .record").first.get_by_text("자세히").click()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=str(Path(shots) / f"thread-{width}.png"), full_page=True)
        page.goto(page.url.partition("#")[0])
        expect(page.locator("#list-rows li").first).to_be_visible(timeout=SOON)
        page.screenshot(path=str(Path(shots) / f"new-{width}.png"), full_page=True)
