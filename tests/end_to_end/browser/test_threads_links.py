"""SMART Health Links made in a thread, in browsers on the real stack: of what the service sent, and of pictures."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.accessibility import examine
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.browser.test_accessibility import findings
from tests.end_to_end.browser.test_my import collect, expect_fits
from tests.end_to_end.browser.test_shl import PASSCODE, expect_opened, open_link, share
from tests.end_to_end.browser.test_threads import Arrive, Correspondent, arrive, new_login  # noqa: F401 fixtures
from tests.end_to_end.browser.test_threads_blobs import write_picture

SOON = 30_000
LABEL = "한빛의원 진료"
LIBRARY = "**/vendor/**"
PHONE: ViewportSize = {"width": 375, "height": 812}
WIDE: ViewportSize = {"width": 1280, "height": 900}


def begin_served_thread(visitor: Visitor, phones: Phones, other: str, tmp_path: Path) -> tuple[Correspondent, str]:
    """Of a patient whose records the service brings, with a picture and a report; and their name."""
    person = phones.add_person(checkups=2, prescriptions=3)
    collect(visitor, person, phones)
    visitor.open("/threads")
    page, patient = visitor.page, Correspondent(visitor.page, visitor.url, "")
    expect(page.locator("#member-id")).to_contain_text("patient:", timeout=SOON)
    page.get_by_label("웰노도 함께하기").check()
    patient.begin_thread(other)
    page.get_by_role("button", name="내 기록 가져오기").click(timeout=SOON)
    expect(page.locator("#messages").get_by_text("기록을 다 가져왔어요.")).to_be_visible(timeout=SOON)
    write_picture(tmp_path / "흉부.png", width=120, height=160, length=60_000)
    page.locator("#picture").set_input_files(tmp_path / "흉부.png")
    patient.expect_message("흉부.png")
    (tmp_path / "소견서.pdf").write_bytes(b"%PDF-1.7\n" + os.urandom(2000))
    page.locator("#picture").set_input_files(tmp_path / "소견서.pdf")
    patient.expect_message("소견서.pdf")
    return patient, person.name


def open_choices(page: Page) -> Locator:
    page.get_by_text("의사에게 링크로 보여 주기").click()
    choices = page.locator("#share-choices-rows li")
    expect(choices.filter(has_text="소견서.pdf")).to_be_visible(timeout=SOON)
    return choices


def test_a_stranger_opens_the_records_and_the_picture_that_a_patient_chose_of_a_thread(
    new_visitor: NewVisitor,
    phones: Phones,
    arrive: Arrive,  # noqa: F811
    tmp_path: Path,
) -> None:
    visitor, stranger, nurse = new_visitor(), new_visitor(), arrive()
    patient, name = begin_served_thread(visitor, phones, nurse.member_id, tmp_path)
    page = patient.page
    choices = open_choices(page)
    expect(choices.filter(has_text="건강검진")).to_have_count(2)
    for chosen in [
        choices.filter(has_text="건강검진"),
        choices.filter(has_text="진료·투약"),
        choices.filter(has_text="흉부.png"),
    ]:
        chosen.first.get_by_role("checkbox").check()
    link = share(visitor, label=LABEL)
    expect(page.get_by_role("img", name="기록을 여는 링크의 QR")).to_be_visible()

    open_link(stranger, link, PASSCODE)
    expect_opened(stranger)
    files = stranger.page.locator("#files")
    expect(files).to_contain_text(f"{name} · 1984-05-17 출생")
    expect(files).to_contain_text("적혀 있는 출처: 국민건강보험공단")
    documents = [text for text in stranger.page.locator("details.raw pre").all_text_contents() if "Composition" in text]
    assert [text.count('"resourceType": "Provenance"') for text in documents] == [2]
    picture = stranger.page.get_by_role("img", name="흉부.png")
    assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") == 120
    with stranger.page.expect_download(timeout=SOON) as download:
        stranger.page.get_by_role("button", name="저장하기: 흉부.png").click()
    assert Path(download.value.path()).read_bytes() == (tmp_path / "흉부.png").read_bytes()
    expect(files).not_to_contain_text("소견서.pdf")

    # Whoever is in the thread finds it again, and nobody's passcode.
    nurse.page.reload()
    nurse.page.locator("#list-rows a").first.click()
    kept = nurse.page.locator("#messages .message").filter(has_text=f"공유 링크 “{LABEL}”")
    expect(kept).to_contain_text("까지 열 수 있어요. 암호가 있어요.", timeout=SOON)
    expect(kept).to_contain_text("환자")
    kept.get_by_text("QR로 보여 주기").click()
    expect(kept.get_by_role("img", name="기록을 여는 링크의 QR")).to_be_visible(timeout=SOON)
    assert kept.get_by_role("link", name="열어 보기").get_attribute("href") == link
    expect(nurse.page.locator("#share-part")).to_be_hidden()
    visitor.open("/my")
    expect(page.locator("#links-rows li")).to_contain_text("한빛의원 김하나: 열었어요", timeout=SOON)
    expect(page.locator("#links-rows li")).to_contain_text(LABEL)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_link_of_a_thread_fits_and_is_accessible(
    new_visitor: NewVisitor, phones: Phones, tmp_path: Path, scheme: str
) -> None:
    traits: dict[str, Any] = {"viewport": PHONE, "color_scheme": scheme, "reduced_motion": "reduce"}
    visitor, doctor = new_visitor(**traits), new_visitor(**traits)
    patient, _ = begin_served_thread(visitor, phones, "staff:nobody", tmp_path)
    page = patient.page
    choices = open_choices(page)
    assert faults(page, "choosing for a link of a thread") == []
    page.get_by_role("button", name="링크 만들기").click()
    expect(page.locator("#share-what-error")).to_have_text("하나는 골라 주세요.")
    assert faults(page, "nothing chosen for a link of a thread") == []
    page.get_by_role("button", name="내 기록 모두 고르기").click()
    for name in ("흉부.png", "소견서.pdf"):
        choices.filter(has_text=name).get_by_role("checkbox").check()
    link = share(visitor, label=LABEL)
    patient.expect_message(f"공유 링크 “{LABEL}”")
    assert faults(page, "a link that was made of a thread") == []
    page.locator("#messages .link").get_by_text("QR로 보여 주기").click()
    expect(page.locator("#messages .link .qr")).to_be_visible(timeout=SOON)
    assert faults(page, "a link that stands in a thread") == []
    open_link(doctor, link, PASSCODE)
    expect_opened(doctor)
    assert faults(doctor.page, "the files of a link") == []


def test_a_qr_that_cannot_be_drawn_is_accessible_and_drawn_later(
    arrive: Arrive,  # noqa: F811
) -> None:
    nurse = arrive(viewport=PHONE, service_workers="block")  # else it may be kept already
    page = nurse.page
    page.context.route(LIBRARY, lambda route: route.abort())
    page.get_by_text("QR로 보여 주기").click()
    expect(page.get_by_role("alert").get_by_text("QR을 그리지 못했어요.")).to_be_visible(timeout=SOON)
    assert faults(page, "a QR that could not be drawn") == []
    page.context.unroute(LIBRARY)
    page.get_by_role("button", name="다시 시도").click()
    expect(page.get_by_role("img", name="내 아이디의 QR")).to_be_visible(timeout=SOON)
    expect(page.get_by_text("QR을 그리지 못했어요.")).to_be_hidden()
    assert faults(page, "a QR that was drawn after all") == []


def test_a_link_whose_qr_cannot_be_drawn_is_ended_and_the_page_accessible(visitor: Visitor, phones: Phones) -> None:
    collect(visitor, phones.add_person(checkups=1), phones)
    visitor.open("/my")
    page = visitor.page
    page.context.route(LIBRARY, lambda route: route.abort())
    page.get_by_label("링크의 이름").fill(LABEL)
    page.get_by_role("button", name="링크 만들기").click()
    expect(page.locator("#share-failed")).to_contain_text("QR을 그리지 못해서 링크를 만들지 않았어요.", timeout=SOON)
    expect(page.locator("#share-failed")).to_be_focused()
    assert faults(page, "a link that could not be shown") == []
    page.reload()
    expect(page.locator("#links-rows li").filter(has_text=LABEL)).to_contain_text("내가 끝냈어요", timeout=SOON)


def faults(page: Page, state: str) -> list[str]:
    """Looked at on a wide screen, too."""
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        if shots := os.environ.get("SHOTS"):
            page.screenshot(path=str(Path(shots) / f"{state} at {size['width']}.png"), full_page=True)
        expect_fits(page)
    return examine(page, state, findings(page))
