"""Pictures and reports in browsers on the real stack: sent and fetched over a line that is cut, changed on the way."""

import base64
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Response, Route, expect
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.threads.encoding import hash_bytes
from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.browser.test_threads import SOON, Arrive, Correspondent, add_staff
from tests.end_to_end.product import Product

LONG = 120_000  # 20 MiB through a slow machine
MOST_BYTES = 20 * 1024 * 1024
WIDTH, HEIGHT = 2048, 3400
PARTS = 22
_PARTS_PUT = "**/blobs/*/parts/*"
_BLOBS = "**/api/threads/*/blobs/*"
_STORED = "select sealed_hash, size_bytes from welno.welno_thread_blobs where thread_id = :thread"
_GIVEN_UP = "delete from welno.welno_thread_blobs where thread_id = :thread"
# All that lies beside keys and messages: names and values, the bytes of values as they are.
_KEPT = """async () => {
    const [{ name }] = (await indexedDB.databases()).filter(({ name }) => name.startsWith("threads-db-"));
    const settled = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
    const database = await settled(indexedDB.open(name));
    const meta = database.transaction("meta").objectStore("meta");
    const [names, values] = await Promise.all([settled(meta.getAllKeys()), settled(meta.getAll())]);
    database.close();
    const bytesIn = (value) => {
        if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return [value];
        return value && typeof value === "object" ? Object.values(value).flatMap(bytesIn) : [`${value} `];
    };
    const reader = new FileReader();
    reader.readAsDataURL(new Blob([...names.map((one) => `${one} `), ...values.flatMap(bytesIn)]));
    await new Promise((resolve) => { reader.onload = resolve; });
    return reader.result.split(",")[1];
}"""
_MESSAGES = "select seq from welno.welno_thread_items where thread_id = :thread and type = 'message'"


def write_picture(path: Path, width: int = WIDTH, height: int = HEIGHT, length: int = MOST_BYTES) -> bytes:
    """Of noise, which nothing makes smaller; what stands behind its end no browser minds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + os.urandom(3 * width) for _ in range(height))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    picture = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    content = picture.ljust(length, b"\0")
    path.write_bytes(content)
    return content


class Cutter:
    """Cuts the line as a page makes its nth request to an address, before anything of it has left."""

    def __init__(self, page: Page, line: Line, address: str, nth: int, method: str) -> None:
        self._line, self._nth, self._method = line, nth, method
        self._page, self._address = page, address
        self.made = 0
        page.route(address, self._pass)

    def restore(self) -> None:
        """And look at no further request: each would take its way through the test."""
        self._page.unroute(self._address)
        self._line.restore()

    def _pass(self, route: Route) -> None:
        if route.request.method == self._method:
            self.made += 1
            if self.made == self._nth:
                self._line.cut()
        route.continue_()


class Holder:
    """Holds what a page sends of a blob, from its third part on: more than half of the 3 MB that such a test sends."""

    def __init__(self, page: Page) -> None:
        self._held: list[Route] = []
        self._is_released = False
        page.route(_PARTS_PUT, self._pass)

    def release(self) -> None:
        """What the page that is open now sends; what an earlier one sent is gone with it."""
        self._is_released = True
        self._held[-1].continue_()

    def _pass(self, route: Route) -> None:
        if self._is_released or number_of(route.request.url) < 3:
            route.continue_()
        else:
            self._held.append(route)


class Answers:
    """The requests of a page that were answered well."""

    def __init__(self, page: Page, method: str, part: str) -> None:
        self.urls: list[str] = []
        self._method, self._part = method, part
        page.on("response", self._note)

    def _note(self, response: Response) -> None:
        if response.request.method == self._method and self._part in response.url and response.ok:
            self.urls.append(response.url)


@pytest.fixture
def arrive(new_context: Callable[..., BrowserContext], product: Product) -> Arrive:
    """A member of staff at a computer of their own, signed in."""

    def make(**traits: Any) -> Correspondent:
        return Correspondent(new_context(**traits).new_page(), product.web_url, add_staff(product)).sign_in()

    return make


def send(correspondent: Correspondent, path: Path) -> None:
    correspondent.page.locator("#picture").set_input_files(path)


def number_of(url: str) -> int:
    return int(url.rpartition("/")[2])


def upload_row(page: Page) -> Locator:
    return page.locator("#upload-rows li")


def kept(page: Page) -> bytes:
    return base64.b64decode(page.evaluate(_KEPT))


def begin_upload(correspondent: Correspondent, folder: Path) -> bytes:
    """Of a picture, which is held in the middle."""
    content = write_picture(folder / "상처.png", 1000, 1000, 3_100_000)
    send(correspondent, folder / "상처.png")
    expect(upload_row(correspondent.page)).to_contain_text("3MB 가운데 63%를 보냈어요.", timeout=SOON)
    return content


def saved(page: Page) -> bytes:
    """By the button of the last message's file."""
    with page.expect_download(timeout=LONG) as download:
        page.locator(".blob").last.get_by_role("button", name="저장하기").click()
    return Path(download.value.path()).read_bytes()


@pytest.mark.timeout(300)  # twice 20 MiB, each with a cut that the page first waits for
def test_a_picture_of_20_mib_is_resumed_where_the_line_was_cut(
    arrive: Arrive, line: Line, product: Product, tmp_path: Path
) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    content = write_picture(tmp_path / "흉부.png")
    sent = Answers(nurse.page, "PUT", "/parts/")
    cutter = Cutter(nurse.page, line, _PARTS_PUT, 8, "PUT")
    send(nurse, tmp_path / "흉부.png")
    row = nurse.page.locator("#upload-rows li")
    expect(row.get_by_role("alert")).to_contain_text("서버에 연결하지 못했어요.", timeout=LONG)
    expect(row).to_contain_text("20MB 가운데 32%를 보냈어요.")
    cutter.restore()
    row.get_by_role("button", name="다시 시도").click()
    expect(row).to_have_count(0, timeout=LONG)
    assert [url.rpartition("/")[2] for url in sent.urls] == [str(number) for number in range(1, PARTS + 1)]
    [stored] = product.rows(_STORED, thread=thread)
    assert stored["size_bytes"] > MOST_BYTES

    card = doctor.page.locator(".blob")
    expect(card).to_contain_text("흉부.png", timeout=LONG)
    fetched = Answers(doctor.page, "GET", "/blobs/")
    cutter = Cutter(doctor.page, line, _BLOBS, 8, "GET")
    card.get_by_role("button", name="사진 보기").click()
    expect(card.get_by_role("alert")).to_contain_text("서버에 연결하지 못했어요.", timeout=LONG)
    cutter.restore()
    card.get_by_role("button", name="다시 시도").click()
    picture = card.get_by_role("img", name="받은 사진 흉부.png")
    expect(picture).to_be_visible(timeout=LONG)
    assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") == WIDTH
    assert len(fetched.urls) == PARTS
    assert hash_bytes(saved(doctor.page)) == hash_bytes(content)


def test_a_report_is_saved_as_it_was_sent_and_the_sender_can_read_it_too(arrive: Arrive, tmp_path: Path) -> None:
    nurse, doctor = arrive(), arrive()
    doctor_thread = nurse.begin_thread(doctor.member_id)
    report = b"%PDF-1.7\n" + os.urandom(200_000)
    (tmp_path / "질병 예측 리포트.pdf").write_bytes(report)
    send(nurse, tmp_path / "질병 예측 리포트.pdf")
    doctor.open_thread(doctor_thread)
    for page in (doctor.page, nurse.page):
        expect(page.locator(".blob")).to_contain_text("질병 예측 리포트.pdf", timeout=SOON)
        assert saved(page) == report


def test_a_changed_chunk_is_found_and_told(arrive: Arrive, tmp_path: Path) -> None:
    nurse, doctor = arrive(), arrive()
    doctor_thread = nurse.begin_thread(doctor.member_id)
    write_picture(tmp_path / "혈액.png", 300, 300, 300_000)
    send(nurse, tmp_path / "혈액.png")
    doctor.open_thread(doctor_thread)

    def change(route: Route) -> None:
        answer = route.fetch()
        body = bytearray(answer.body())
        body[150_000] ^= 1
        route.fulfill(response=answer, body=bytes(body))

    doctor.page.route(_BLOBS, change)
    card = doctor.page.locator(".blob")
    card.get_by_role("button", name="사진 보기").click(timeout=SOON)
    expect(card.get_by_role("alert")).to_contain_text("보낸 사람의 것과 달라요.", timeout=SOON)
    expect(card.get_by_role("img")).to_have_count(0)
    doctor.page.unroute(_BLOBS)
    card.get_by_role("button", name="다시 시도").click()
    expect(card.get_by_role("img")).to_be_visible(timeout=SOON)


def test_a_cancelled_file_is_told_to_nobody(arrive: Arrive, product: Product, tmp_path: Path) -> None:
    nurse = arrive(viewport=PHONE)
    thread = nurse.begin_thread("staff:nobody")
    write_picture(tmp_path / "사진.png", 1000, 1000, 3_100_000)
    held: list[Route] = []

    def hold_third(route: Route) -> None:
        if route.request.url.endswith("/3"):
            held.append(route)
        else:
            route.continue_()

    nurse.page.route(_PARTS_PUT, hold_third)
    send(nurse, tmp_path / "사진.png")
    row = nurse.page.locator("#upload-rows li")
    expect(row).to_contain_text("3MB 가운데 63%를 보냈어요.", timeout=SOON)
    assert findings(nurse.page) == []
    row.get_by_role("button", name="취소").click()
    expect(row).to_have_count(0)
    expect(nurse.page.locator("#uploads")).to_be_hidden()
    nurse.write("그만뒀어요")
    nurse.expect_message("그만뒀어요")
    assert [row["sealed_hash"] for row in product.rows(_STORED, thread=thread)] == [None]
    assert len(product.rows(_MESSAGES, thread=thread)) == 1


def test_too_large_a_file_is_refused_before_anything_is_sent(arrive: Arrive, product: Product, tmp_path: Path) -> None:
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    (tmp_path / "영상.pdf").write_bytes(bytes(MOST_BYTES + 1))
    send(nurse, tmp_path / "영상.pdf")
    expect(nurse.page.locator("#picture-error")).to_contain_text("20MB까지 보낼 수 있어요.")
    assert product.rows(_STORED, thread=thread) == []


def test_a_picture_is_sent_on_after_a_reload_in_its_middle(arrive: Arrive, product: Product, tmp_path: Path) -> None:
    nurse, doctor = arrive(viewport=PHONE), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    holder, sent = Holder(nurse.page), Answers(nurse.page, "PUT", "/parts/")
    content = begin_upload(nurse, tmp_path)
    row = upload_row(nurse.page)
    expect(row).to_contain_text("다 보내기 전에 이 페이지를 닫아도 돼요.")
    lying = kept(nurse.page)
    assert b"keptUploadPart" in lying
    assert "상처.png".encode() not in lying
    assert content[1000:1064] not in lying

    nurse.page.reload()
    expect(row).to_contain_text("상처.png", timeout=SOON)
    expect(row).to_contain_text("멈춘 곳부터 이어서 보내요.")
    expect(row).to_contain_text("3MB 가운데 63%를 보냈어요.", timeout=SOON)
    assert findings(nurse.page) == []
    nurse.write("사진을 보내고 있어요")
    doctor.expect_message("사진을 보내고 있어요")
    holder.release()
    expect(row).to_have_count(0, timeout=SOON)
    assert [number_of(url) for url in sent.urls] == [1, 2, 3, 4]
    expect(doctor.page.locator(".blob")).to_contain_text("상처.png", timeout=SOON)
    doctor.page.get_by_role("button", name="사진 보기").click()
    expect(doctor.page.get_by_role("img", name="받은 사진 상처.png")).to_be_visible(timeout=SOON)
    assert saved(doctor.page) == content
    nurse.page.reload()
    nurse.expect_key()
    expect(row).to_have_count(0)
    assert b"keptUploadPart" not in kept(nurse.page)
    assert len(product.rows(_MESSAGES, thread=thread)) == 2


def test_another_tab_sends_on_what_a_killed_one_was_sending(arrive: Arrive, product: Product, tmp_path: Path) -> None:
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    first = nurse.page
    Holder(first)
    nurse.sign_in(first.context.new_page()).open_thread(thread)
    sent = Answers(nurse.page, "PUT", "/parts/")
    nurse.page = first
    content = begin_upload(nurse, tmp_path)
    [second] = [page for page in first.context.pages if page != first]
    row = upload_row(second)
    expect(row).to_contain_text("다른 탭에서 보내고 있어요.", timeout=SOON)
    assert sent.urls == []
    first.close()  # with its third part, of which nothing, some or all may have left
    expect(row).to_have_count(0, timeout=SOON)
    assert {4} <= {number_of(url) for url in sent.urls} <= {3, 4}
    second.get_by_role("button", name="사진 보기").click(timeout=SOON)
    expect(second.get_by_role("img", name="받은 사진 상처.png")).to_be_visible(timeout=SOON)
    assert saved(second) == content
    assert len(product.rows(_MESSAGES, thread=thread)) == 1


def test_an_upload_that_the_server_has_given_up_begins_anew(arrive: Arrive, product: Product, tmp_path: Path) -> None:
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    holder, sent = Holder(nurse.page), Answers(nurse.page, "PUT", "/parts/")
    content = begin_upload(nurse, tmp_path)
    with Session(product.engine) as session, session.begin():
        session.execute(text(_GIVEN_UP), {"thread": thread})
    nurse.page.reload()
    row = upload_row(nurse.page)
    expect(row).to_contain_text("63%를 보냈어요.", timeout=SOON)
    holder.release()
    expect(row).to_have_count(0, timeout=SOON)
    assert [number_of(url) for url in sent.urls] == [1, 2, 1, 2, 3, 4]
    nurse.page.get_by_role("button", name="사진 보기").click(timeout=SOON)
    expect(nurse.page.get_by_role("img", name="받은 사진 상처.png")).to_be_visible(timeout=SOON)
    assert saved(nurse.page) == content


def test_an_upload_of_before_that_is_given_up_does_not_come_back(
    arrive: Arrive, product: Product, tmp_path: Path
) -> None:
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    Holder(nurse.page)
    begin_upload(nurse, tmp_path)
    nurse.page.reload()
    row = upload_row(nurse.page)
    row.get_by_role("button", name="취소").click(timeout=SOON)
    expect(row).to_have_count(0)
    assert b"keptUploadPart" not in kept(nurse.page)
    nurse.page.reload()
    nurse.expect_key()
    expect(row).to_have_count(0)
    assert [row["sealed_hash"] for row in product.rows(_STORED, thread=thread)] == [None]
    assert product.rows(_MESSAGES, thread=thread) == []


def test_nothing_of_an_upload_stays_where_its_sender_signs_out(arrive: Arrive, tmp_path: Path) -> None:
    nurse = arrive()
    nurse.begin_thread("staff:nobody")
    Holder(nurse.page)
    begin_upload(nurse, tmp_path)
    nurse.page.get_by_role("button", name="로그아웃").click()
    question = nurse.page.get_by_role("dialog")
    expect(question).to_contain_text(
        "파일 1개를 아직 다 보내지 못했어요. 로그아웃하면 이 컴퓨터에서 지워지고 보내지 않아요."
    )
    question.get_by_role("button", name="로그아웃").click()
    expect(nurse.page.get_by_label("로그인 이름")).to_be_visible(timeout=SOON)
    assert b"keptUpload" in kept(nurse.page)
    assert b"keptUploadPart" not in kept(nurse.page)
    nurse.sign_in()
    expect(upload_row(nurse.page)).to_have_count(0)
