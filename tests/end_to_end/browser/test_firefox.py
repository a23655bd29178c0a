"""The main paths in a real Firefox: the records, threads, interviews, a patient's journey, and a SMART Health Link."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.local.programs import ROOT
from tests.end_to_end.browser.conftest import PROJECT, SCRIPT
from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.people import Phones, Someone
from tests.end_to_end.browser.test_journey import ENTRANCE
from tests.end_to_end.browser.test_threads import PASSWORD, add_staff
from tests.end_to_end.person import new_address
from tests.end_to_end.product import Product
from tests.end_to_end.provider import TREATMENTS
from tests.firefox import Firefox, Tab, run_firefox
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
DOCUMENT = (ROOT / "docs" / "browsers.md").read_text(encoding="utf-8")
NewTab = Callable[[], Tab]
# The groups of values whose charts are drawn.
_DRAWN = """[...document.querySelectorAll("details.group")]
    .filter((group) => group.querySelector("canvas[style]")).map(({ dataset }) => dataset.title)"""


@pytest.fixture(scope="module")
def firefox(firefox_program: str, running_product: Product, line: Line) -> Iterator[Firefox]:
    with run_firefox(firefox_program, running_product.web_url, line.port) as firefox:
        yield firefox


@pytest.fixture
def new_tab(firefox: Firefox, product: Product, line: Line) -> Iterator[NewTab]:
    """At the end nothing has broken in any of them."""
    line.restore()
    tabs: list[Tab] = []

    def make() -> Tab:
        tabs.append(firefox.open(new_address()))
        return tabs[-1]

    yield make
    line.restore()
    for tab in tabs:
        tab.close()
    assert firefox.complaints == []


def test_it_is_not_older_than_the_documentation_says(firefox_program: str) -> None:
    told = subprocess.run([firefox_program, "--version"], check=True, capture_output=True, text=True, timeout=30).stdout
    [running], [documented] = re.findall(r"Firefox (\d+)", told), re.findall(r"\| Firefox \(ESR\) (\d+)", DOCUMENT)
    assert int(running) >= int(documented)


def begin(tab: Tab, person: Someone) -> None:
    """From the empty form to the wait for the phone."""
    tab.goto("/")
    tab.fill("#user_name", person.name)
    tab.fill("#birthdate", person.birthdate)
    tab.fill("#phone_no", person.phone)
    tab.click("label::-p-text(남성)")
    tab.click("label::-p-text(카카오톡)")
    tab.click("#agree-all")
    tab.click("#start-button")
    tab.see("#waiting-title", "휴대폰을 확인해 주세요")


def test_records_are_collected_without_sockets_and_opened_by_a_doctor(
    new_tab: NewTab, phones: Phones, line: Line
) -> None:
    patient, doctor, person = new_tab(), new_tab(), phones.add_person(checkups=3, prescriptions=6)
    begin(patient, person)
    with phones.held(TREATMENTS, person):
        phones.approve(person)
        patient.see("#live-text", "진료·투약 기록 가져오기")
        dialled = line.sockets_dialled
        line.cut_sockets()  # what is told from here on comes over no socket
        wait_until(lambda: line.sockets_dialled > dialled, 30)
    patient.click("#password-offer-take")
    patient.fill("#new-password", "804251")
    patient.fill("#repeat-password", "804251")
    patient.click("dialog[open] button::-p-text(비밀번호 정하기)")
    patient.miss("dialog[open], #live")
    expect_trend(patient)
    doctor.goto(share(patient))
    doctor.fill("#recipient", "한빛의원 김하나")
    doctor.click("#open-button")
    doctor.see("#files", person.name)


def expect_trend(tab: Tab) -> None:
    """The values with their zones, and as charts once they are unfolded, and the treatments."""
    tab.see("#notable", "살펴볼 항목")
    tab.see("#checkups-rows summary .chip")
    tab.see("#visits-rows details")
    assert tab.evaluate(_DRAWN) == []
    tab.click("summary::-p-text(혈압과 혈당)")
    tab.see("details[data-title='혈압과 혈당'] canvas[style][aria-label^='혈압 그래프']")
    assert tab.evaluate(_DRAWN) == ["혈압과 혈당"]


def share(tab: Tab) -> str:
    """A link to the records."""
    tab.click("a::-p-text(내 정보)")
    tab.click("#share-button")
    tab.see("#share-qr")
    link: str = tab.evaluate("document.querySelector('#share-open').href")
    return link


def sign_in(tab: Tab, path: str, login: str, password: str) -> None:
    tab.goto(path)
    tab.fill("#login, #email", login)
    tab.fill("#password", password)
    tab.click("#sign-in-button, #login-button")


def enter_threads(tab: Tab, product: Product) -> Tab:
    """As somebody of the staff whom nobody has seen before."""
    sign_in(tab, "/threads", add_staff(product), PASSWORD)
    tab.see("#member-id", "staff:")
    return tab


def test_a_message_is_read_and_is_there_after_a_reload(new_tab: NewTab, product: Product) -> None:
    nurse, doctor = (enter_threads(new_tab(), product) for _ in range(2))
    nurse.fill("#other", doctor.evaluate("document.querySelector('#member-id').innerText"))
    nurse.click("#new-button")
    nurse.see("#text")
    thread = nurse.evaluate("location.hash").removeprefix("#")
    doctor.reload()
    doctor.click(f"#open-{thread}")
    nurse.fill("#text", "혈압 128/82")
    nurse.click("#send")
    doctor.see("#messages", "혈압 128/82")
    doctor.reload()
    doctor.see("#messages", "혈압 128/82")
    doctor.fill("#text", "확인했어요")
    doctor.click("#send")
    nurse.see("#messages", "확인했어요")


def test_a_patient_is_called_and_the_desk_sees_the_answer(new_tab: NewTab, password: str) -> None:
    phone, desk = new_tab(), new_tab()
    sign_in(desk, "/staff/journey", "desk1", password)
    desk.choose("#exam", "EX-BLOOD")
    desk.click("#shift-button")
    desk.see("#desk")
    phone.goto(ENTRANCE)
    for field, value in (("last4", "0003"), ("birth-year", "1940"), ("birth-month", "4"), ("birth-day", "3")):
        phone.fill(f"#{field}", value)
    phone.click("#sign-in-button")
    phone.click("button::-p-text(첫 검사 대기하기)")
    desk.see("#line-rows", "시연003")
    desk.press("n")
    phone.see("#call", "채혈실로 오세요")
    phone.click("#call-read")
    desk.see("#line-rows", "확인함")
    desk.press("s")
    phone.see("#state-title", "검사 중이에요")
    desk.see("#line-rows tr.in_progress")
    desk.press("c")
    phone.see("#state-title", "검사가 끝났어요")
    desk.click("#end-shift")
    desk.see("#shift")


def test_an_interview_is_uploaded_and_its_analysis_followed(new_tab: NewTab, password: str, tmp_path: Path) -> None:
    tab, script = new_tab(), tmp_path / "여우 인터뷰.txt"
    script.write_text(SCRIPT.format(complaint="배달이 늦어서 불편했어요."))
    sign_in(tab, "/login", "jun@demo.test", password)
    tab.click(f"a::-p-text({PROJECT})")
    tab.see("#project-title", PROJECT)
    tab.upload("#files", script)
    tab.see("#toasts", "인터뷰 분석이 완료되었습니다: 여우 인터뷰")
    tab.see("#interviews-rows li::-p-text(여우 인터뷰)")
    tab.see("#interviews-rows", "분석 완료")
