"""A tag's QR before the camera: read by the library, as this Chromium reads no codes itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import FLAGS
from tests.fake_camera import camera_flags, hold
from tests.integration.static.journey.conftest import PHONE
from tests.integration.static.journey.hospital import Hospital
from tests.waiting import wait_until

CODE = "demo-entrance-7f3a9c21e5b84d06"


@pytest.fixture
def camera(chromium_program: str, tmp_path: Path, chromium: Browser) -> Iterator[Browser]:
    """A browser of its own, as what its camera sees is said when it starts."""
    film = tmp_path / "held.y4m"
    hold(film, f"https://hospital.example/t/{CODE}")
    browser = chromium.browser_type.launch(executable_path=chromium_program, args=[*FLAGS, *camera_flags(film)])
    yield browser
    browser.close()


def test_a_code_before_the_camera_is_scanned(camera: Browser, pages_url: str, hospital: Hospital) -> None:
    hospital.is_signed_in = False
    hospital.answers["POST /nfc/scan/"] = {"tag": {"title": "정문"}, "scan_token": "scan-1", "journey": None}
    page = camera.new_page(viewport=PHONE)
    hospital.open_to(page)
    page.goto(f"{pages_url}/journey")
    page.get_by_role("button", name="QR 찍기").click()
    expect(page.get_by_role("heading", name="누구신지 알려 주세요")).to_be_visible(timeout=20_000)
    [scanned] = hospital.asked_for("POST /nfc/scan/")
    assert (scanned["tag_code"], scanned["via"]) == (CODE, "qr")
    wait_until(lambda: page.evaluate("document.getElementById('camera').srcObject") is None)


def test_a_forbidden_camera_leads_to_the_number(chromium: Browser, pages_url: str, hospital: Hospital) -> None:
    hospital.is_signed_in = False
    page = chromium.new_page(viewport=PHONE)
    hospital.open_to(page)
    page.goto(f"{pages_url}/journey")
    page.get_by_role("button", name="QR 찍기").click()
    expect(page.locator("#welcome-failed")).to_contain_text("번호를 적어 주세요.")
    expect(page.get_by_role("button", name="번호 입력")).to_be_visible()
    page.close()
