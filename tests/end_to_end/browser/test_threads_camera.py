"""A new device's fingerprint before the camera of one that is in use, or typed; approved by the person's word alone."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.chromium import FLAGS, WAIT_MILLISECONDS
from tests.end_to_end.browser import test_threads
from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.browser.test_threads import Arrive, Correspondent
from tests.end_to_end.browser.test_threads_devices import SOON, confirm, fingerprint_of, row_of
from tests.end_to_end.person import new_address
from tests.end_to_end.product import Product
from tests.fake_camera import camera_flags, hold
from tests.waiting import wait_until

# Fixtures.
new_login, arrive = test_threads.new_login, test_threads.arrive
ANOTHER = "AAAA BBBB CCCC DDDD EEEE FFFF"
DIFFERS = "지문이 달라서 승인하지 않았어요."


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return tmp_path / "held.y4m"


@pytest.fixture
def with_camera(
    chromium: Browser, chromium_program: str, line: Line, product: Product, film: Path, new_login: Callable[[], str]
) -> Iterator[Correspondent]:
    """On a phone with a camera, in use; what it sees is said when a browser starts, so it is one of its own."""
    hold(film, "https://hospital.example/t/some-other-code")
    port = product.stack.ports.web
    detour = f"--host-resolver-rules=MAP 127.0.0.1:{port} 127.0.0.1:{line.port}"
    flags = [*FLAGS, detour, *camera_flags(film)]
    browser = chromium.browser_type.launch(executable_path=chromium_program, args=flags)
    headers = {"X-Forwarded-For": new_address()}
    context = browser.new_context(locale="ko-KR", viewport=PHONE, extra_http_headers=headers, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MILLISECONDS)
    yield Correspondent(context.new_page(), product.web_url, new_login()).sign_in()
    browser.close()


def begin_compare(someone: Correspondent, shown: str) -> Page:
    """On the device in use, of the one that shows this."""
    row = row_of(someone.page, shown)
    expect(row).to_contain_text("승인 기다리는 중", timeout=SOON)
    row.get_by_role("button", name="QR로 견주기").click()
    return someone.page


def expect_camera_out(page: Page) -> None:
    expect(page.locator("#compare")).to_be_hidden(timeout=SOON)
    # The dialog is hidden before its close event, which ends the camera.
    wait_until(lambda: page.evaluate("document.getElementById('compare-camera').srcObject") is None)


def shoot(page: Page, name: str) -> None:
    """For people to look at, where somebody asked for it."""
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=str(Path(shots) / f"{name}.png"))


def test_a_new_device_is_approved_by_its_qr_and_the_persons_word(
    with_camera: Correspondent, new_context: Callable[..., BrowserContext], film: Path
) -> None:
    tablet = Correspondent(new_context().new_page(), with_camera.url, with_camera.login).sign_in()
    shown = fingerprint_of(tablet.page)
    page = begin_compare(with_camera, shown)
    expect(page.locator("#compare-camera")).to_be_visible()
    expect(page.locator("#compare-title")).to_be_focused()
    assert findings(page) == []
    shoot(page, "compare-phone")
    page.get_by_role("button", name="그만두기").locator("visible=true").click()
    expect_camera_out(page)

    hold(film, ANOTHER)
    begin_compare(with_camera, shown)
    expect(page.locator("#own-devices-failed")).to_contain_text(DIFFERS, timeout=SOON)
    expect_camera_out(page)
    expect(page.locator("#confirm")).to_be_hidden()

    hold(film, shown)
    for answer, state in (("그대로 두기", "승인 기다리는 중"), ("승인하기", "사용 중")):
        begin_compare(with_camera, shown)
        expect(page.locator("#confirm-about")).to_have_text(shown, timeout=SOON)
        expect(page.locator("#confirm-title")).to_have_text("지문이 똑같아요. 승인할까요?")
        expect_camera_out(page)
        expect(row_of(page, shown)).to_contain_text("승인 기다리는 중")
        confirm(page, answer)
        expect(row_of(page, shown)).to_contain_text(state, timeout=SOON)
    expect(tablet.page.locator("#device-waiting")).to_be_hidden(timeout=SOON)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_where_no_camera_can_be_had_the_fingerprint_is_typed(
    arrive: Arrive, new_context: Callable[..., BrowserContext], look: str
) -> None:
    nurse = arrive(viewport=PHONE, color_scheme=look, reduced_motion="reduce")
    tablet = Correspondent(new_context().new_page(), nurse.url, nurse.login).sign_in()
    shown = fingerprint_of(tablet.page)
    page = begin_compare(nurse, shown)
    expect(page.locator("#compare-failed")).to_contain_text("지문을 적어 주세요.", timeout=SOON)
    expect(page.locator("#compare-camera")).to_be_hidden()
    typed, compare = page.get_by_label("새 기기에 보이는 지문"), page.get_by_role("button", name="견주기", exact=True)
    typed.fill("AAAA")
    compare.click()
    expect(page.locator("#typed-fingerprint-error")).to_contain_text("네 글자씩 여섯 묶음")
    assert findings(page) == []
    shoot(page, f"compare-typed-{look}")
    typed.fill(ANOTHER)
    compare.click()
    expect(page.locator("#own-devices-failed")).to_contain_text(DIFFERS)
    begin_compare(nurse, shown)
    typed.fill(shown.lower().replace(" ", "-"))
    compare.click()
    expect(row_of(page, shown)).to_contain_text("승인 기다리는 중")
    confirm(page, "승인하기")
    expect(row_of(page, shown)).to_contain_text("사용 중", timeout=SOON)
