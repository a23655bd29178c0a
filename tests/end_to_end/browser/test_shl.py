"""SMART Health Links in browsers: a patient shows a doctor records; any program that knows the standard opens them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Request, Route, expect

from tests.accessibility import examine
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones
from tests.end_to_end.browser.test_accessibility import findings
from tests.end_to_end.browser.test_my import collect, expect_fits, open_my
from tests.plain_http import NO_TLS
from tests.shl import CARD, decode, decrypt, encrypt, read_link, write_link
from tests.unit.services.journey.fhir.validators import find_faults

SOON = 30_000
PASSCODE = "가나다-2026"
SIZES = pytest.mark.parametrize(("width", "height"), [(375, 800), (1280, 900)])
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "smart-health-links.json").read_text()
)


def share(visitor: Visitor, *, label: str = "한빛의원 진료", passcode: str = PASSCODE) -> str:
    """The link, as it stands in the page for this moment."""
    page = visitor.page
    page.get_by_label("링크의 이름").fill(label)
    page.get_by_role("textbox", name="암호", exact=False).fill(passcode)
    page.get_by_role("button", name="링크 만들기").click()
    expect(page.get_by_role("heading", name="이 QR을 보여 주세요")).to_be_focused(timeout=SOON)
    link: str = page.locator("#share-open").get_attribute("href") or ""
    return link


def open_link(visitor: Visitor, link: str, passcode: str | None = None) -> None:
    visitor.page.goto(link)
    visitor.page.get_by_label("여는 사람").fill("한빛의원 김하나")
    if passcode is not None:
        visitor.page.get_by_role("textbox", name="암호", exact=False).fill(passcode)
    visitor.page.get_by_role("button", name="열기", exact=True).click()


def expect_opened(visitor: Visitor) -> None:
    expect(visitor.page.get_by_role("heading", name="공유받은 건강 기록", exact=True)).to_be_focused(timeout=SOON)


@SIZES
def test_a_doctor_opens_what_a_patient_shows_and_the_patient_sees_it(
    new_visitor: NewVisitor, phones: Phones, width: int, height: int
) -> None:
    patient, doctor = (new_visitor(viewport={"width": width, "height": height}) for _ in range(2))
    person = phones.add_person(checkups=2, prescriptions=3)
    collect(patient, person, phones)
    open_my(patient)
    link = share(patient)
    expect(patient.page.get_by_role("img", name="기록을 여는 링크의 QR")).to_be_visible()
    expect_fits(patient.page)
    asked: list[str] = []
    doctor.page.on("request", lambda request: asked.append(_whole(request)))
    open_link(doctor, link, "틀린 암호")
    expect(doctor.page.locator("#passcode-error")).to_have_text(
        "암호가 맞지 않아요. 9번 더 넣어 볼 수 있어요.", timeout=SOON
    )
    doctor.page.get_by_role("textbox", name="암호", exact=False).fill(PASSCODE)
    doctor.page.keyboard.press("Enter")
    expect_opened(doctor)
    expect(doctor.page.locator("#files")).to_contain_text(f"{person.name} · 1984-05-17 출생")
    expect(doctor.page.get_by_role("heading", name="검사 결과")).to_be_visible()
    expect(doctor.page.locator("#files")).to_contain_text("적혀 있는 출처: 국민건강보험공단")
    expect(doctor.page.locator("#opened-label")).to_have_text("“한빛의원 진료”")
    expect_fits(doctor.page)
    # What stands behind the `#` of an address is sent nowhere.
    assert asked
    assert not [one for one in asked if read_link(link)["key"] in one or "shlink" in one]
    patient.page.reload()
    rows = patient.page.locator("#links-rows li")
    expect(rows).to_contain_text("한빛의원 김하나: 열었어요", timeout=SOON)
    expect(rows).to_contain_text("한빛의원 김하나: 암호를 틀렸어요")
    expect(rows).to_contain_text("틀려도 되는 횟수 9번")
    expect_fits(patient.page)


def _whole(request: Request) -> str:
    return f"{request.url} {request.post_data} {request.headers}"


def test_an_ended_link_opens_no_more(new_visitor: NewVisitor, phones: Phones) -> None:
    patient, doctor = new_visitor(), new_visitor()
    collect(patient, phones.add_person(checkups=1), phones)
    open_my(patient)
    link = share(patient, passcode="")
    open_link(doctor, link)
    expect_opened(doctor)
    patient.page.get_by_role("button", name="다 보여 줬어요").click()
    assert patient.page.locator("#share-open").get_attribute("href") is None
    patient.page.get_by_role("button", name="끝내기: 한빛의원 진료").click()
    patient.page.get_by_role("dialog").get_by_role("button", name="끝내기").click()
    expect(patient.page.locator("#links-rows li")).to_contain_text("내가 끝냈어요", timeout=SOON)
    doctor.page.reload()
    open_link(doctor, link)
    expect(doctor.page.locator("#open-failed")).to_contain_text("끝났거나 없는 링크", timeout=SOON)
    expect(doctor.page.locator("#opened")).to_be_hidden()


def test_another_implementation_opens_it_and_finds_a_valid_document(new_visitor: NewVisitor, phones: Phones) -> None:
    patient = new_visitor()
    collect(patient, phones.add_person(checkups=3, prescriptions=12), phones)
    open_my(patient)
    link = share(patient)
    payload = read_link(link)
    assert link.startswith(f"{patient.url}/shl#shlink:/")
    assert (payload["flag"], payload["label"], len(payload["url"]) <= 128) == ("P", "한빛의원 진료", True)
    asked = {"recipient": "another program", "passcode": PASSCODE, "embeddedLengthMax": 10}
    with httpx.Client(verify=NO_TLS) as client:
        [file] = client.post(payload["url"], json=asked).raise_for_status().json()["files"]
        got = client.get(file["location"]).raise_for_status()
        assert client.get(file["location"]).status_code == 404
    assert got.headers["Content-Type"].startswith("application/jose")
    head, text = decrypt(decode(payload["key"]), got.text)
    bundle = json.loads(text)
    assert (head["cty"], head["zip"]) == ("application/fhir+json", "DEF")
    assert find_faults([bundle]) == []
    kinds = {one["resource"]["resourceType"] for one in bundle["entry"]}
    assert {"Composition", "Patient", "Observation", "MedicationStatement", "Provenance"} <= kinds


def test_what_is_asked_for_wrongly_is_said_beside_it(new_visitor: NewVisitor, phones: Phones) -> None:
    patient = new_visitor()
    collect(patient, phones.add_person(checkups=1), phones)
    open_my(patient)
    page = patient.page
    for name in ("건강검진 기록", "진료·투약 기록"):
        page.get_by_label(name, exact=True).uncheck()
    page.get_by_role("textbox", name="암호", exact=False).fill("123")
    page.get_by_role("button", name="링크 만들기").click()
    expect(page.locator("#share-what-error")).to_have_text("하나는 골라 주세요.")
    expect(page.locator("#share-passcode-error")).to_have_text("암호는 4자부터 정할 수 있어요.")
    expect(page.locator("#links-empty")).to_be_visible()


# Links of others, whose servers stand in the route.


def serve(visitor: Visitor, answers: dict[str, tuple[int, Any]]) -> None:
    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        status, body = answers[f"{route.request.method} {path}"]
        text = body if isinstance(body, str) else json.dumps(body)
        route.fulfill(status=status, body=text, headers={"Access-Control-Allow-Origin": "*"})

    visitor.page.route(f"{visitor.url}/others/**", answer)


def link_to(visitor: Visitor, path: str, **more: Any) -> str:
    return write_link({"url": f"{visitor.url}{path}", "key": VECTORS["payload"]["key"], **more})


def test_the_specifications_own_file_opens_with_its_card(visitor: Visitor) -> None:
    manifest = {"files": [{"contentType": CARD, "location": f"{visitor.url}/others/file"}]}
    serve(visitor, {"POST /others/manifest": (200, manifest), "GET /others/file": (200, VECTORS["jwe"])})
    visitor.open("/shl")
    visitor.page.get_by_label("받은 링크").fill(link_to(visitor, "/others/manifest", label="Immunizations"))
    expect(visitor.page.locator("#link-label")).to_have_text("“Immunizations”")
    visitor.page.get_by_label("여는 사람").fill("한빛의원")
    visitor.page.get_by_role("button", name="열기", exact=True).click()
    expect_opened(visitor)
    expect(visitor.page.locator("#files")).to_contain_text("여기서 서명을 확인하지는 않았어요")
    expect(visitor.page.get_by_role("heading", name="예방접종")).to_be_visible()


def test_a_file_that_is_got_directly_opens_and_runs_nothing(visitor: Visitor) -> None:
    evil = "<img src=x onerror=alert(1)>"
    note = {"resourceType": "Observation", "code": {"text": evil}, "valueString": "<script>alert(2)</script>"}
    jwe = encrypt(decode(VECTORS["payload"]["key"]), json.dumps(note).encode(), deflate=True)
    serve(visitor, {"GET /others/file": (200, jwe)})
    visitor.page.goto(f"{visitor.url}/shl#{link_to(visitor, '/others/file', flag='LU')}")
    visitor.page.get_by_label("여는 사람").fill("한빛의원")
    visitor.page.get_by_role("button", name="열기", exact=True).click()
    expect_opened(visitor)
    expect(visitor.page.get_by_text(evil, exact=True)).to_be_visible()
    expect(visitor.page.locator("#files img")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, "", "끝났거나 없는 링크"),
        (401, {"remainingAttempts": 0}, "이 링크는 끝났어요"),
        (429, {}, "너무 자주 열었어요"),
        (200, {"files": [{"embedded": "a..b.c.d"}]}, "열쇠로 열리지 않아요"),
        (500, "", "연결하지 못했어요"),
    ],
)
def test_why_a_link_does_not_open_is_said(visitor: Visitor, status: int, body: Any, said: str) -> None:
    serve(visitor, {"POST /others/manifest": (status, body)})
    visitor.page.goto(f"{visitor.url}/shl#{link_to(visitor, '/others/manifest')}")
    visitor.page.get_by_label("여는 사람").fill("한빛의원")
    visitor.page.get_by_role("button", name="열기", exact=True).click()
    expect(visitor.page.locator("#open-failed")).to_contain_text(said, timeout=SOON)


def test_what_is_no_link_is_said_beside_it(visitor: Visitor) -> None:
    visitor.open("/shl")
    visitor.page.get_by_label("받은 링크").fill("https://example.org/")
    visitor.page.get_by_role("button", name="열기", exact=True).click()
    expect(visitor.page.locator("#link-error")).to_have_text("받은 링크를 그대로 넣어 주세요.")
    visitor.page.get_by_label("받은 링크").fill(link_to(visitor, "/others/manifest", flag="P", exp=1))
    expect(visitor.page.locator("#link-over")).to_contain_text("에 끝난 링크예요.")
    visitor.page.get_by_role("button", name="열기", exact=True).click()
    expect(visitor.page.locator("#recipient-error")).to_have_text("누가 여는지 적어 주세요.")
    visitor.page.get_by_label("여는 사람").fill("한빛의원")
    visitor.page.get_by_role("button", name="열기", exact=True).click()
    expect(visitor.page.locator("#passcode-error")).to_have_text("받은 암호를 넣어 주세요.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_state_is_accessible(new_visitor: NewVisitor, phones: Phones, scheme: str) -> None:
    traits: dict[str, Any] = {
        "viewport": {"width": 360, "height": 640},
        "color_scheme": scheme,
        "reduced_motion": "reduce",
    }
    patient, doctor = new_visitor(**traits), new_visitor(**traits)
    collect(patient, phones.add_person(checkups=2, prescriptions=2), phones)
    open_my(patient)
    expect(patient.page.locator("#links-empty")).to_be_visible(timeout=SOON)
    assert examine(patient.page, "sharing with a doctor", findings(patient.page)) == []
    link = share(patient)
    assert examine(patient.page, "a link that was made", findings(patient.page)) == []
    open_link(doctor, link, "틀린 암호")
    expect(doctor.page.locator("#passcode-error")).to_be_visible(timeout=SOON)
    assert examine(doctor.page, "a wrong passcode", findings(doctor.page)) == []
    doctor.page.get_by_role("textbox", name="암호", exact=False).fill(PASSCODE)
    doctor.page.keyboard.press("Enter")
    expect_opened(doctor)
    doctor.page.get_by_text("받은 그대로 보기").click()
    assert examine(doctor.page, "the records of a link", findings(doctor.page)) == []
