"""The person's own copy in the browser, and the client's promises about events."""

from typing import Any

from playwright.sync_api import expect

from tests.end_to_end.browser.driving import REPORT, Visitor
from tests.end_to_end.browser.line import Line
from tests.end_to_end.browser.people import Phones, Someone
from tests.end_to_end.provider import TREATMENTS
from tests.waiting import wait_until

_FOLLOW = """async (sessionId) => {
    const { connect, sessionStream } = await import("/static/sdk/welno.js");
    window.heard = []; window.states = [];
    connect(sessionStream(sessionId), { onEvent: (event) => heard.push([event.seq, event.type, event.status]),
                                        onState: (state, reason) => states.push([state, reason]) });
}"""


def _collect(visitor: Visitor, person: Someone, phones: Phones) -> dict[str, Any]:
    visitor.begin(person)
    phones.approve(person)
    visitor.put_dialog_off()
    visitor.expect_results()
    (record,) = wait_until(visitor.own_copies)
    return dict(record)


def test_the_copy_holds_what_was_agreed(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=3, prescriptions=5)
    record = _collect(visitor, person, phones)
    assert (record["patientName"], record["birthday"]) == (person.name, "1984-05-17")
    assert (len(record["healthData"]), len(record["prescriptionData"])) == (3, 5)
    assert (record["hospitalId"], record["dataSource"]) == ("PEERNINE", "tilko")
    assert record["uuid"] == visitor.remembered("welno_patient_uuid")


def test_a_second_collection_doubles_nothing(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=3, prescriptions=5)
    first = _collect(visitor, person, phones)
    visitor.begin(person)
    phones.approve(person)
    visitor.put_dialog_off()
    later = wait_until(lambda: [one for one in visitor.own_copies() if one["updatedAt"] > first["updatedAt"]])[0]
    assert later["createdAt"] == first["createdAt"]
    assert (len(later["healthData"]), len(later["prescriptionData"])) == (3, 5)


def test_nothing_is_copied_before_the_end(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    with phones.held(TREATMENTS, person):
        phones.approve(person)
        visitor.page.wait_for_url("**/results-trend?**")
        assert visitor.own_copies() == []
    visitor.put_dialog_off()
    wait_until(visitor.own_copies)


def test_each_event_comes_once_and_in_order_however_often_the_line_breaks(
    visitor: Visitor, phones: Phones, line: Line
) -> None:
    person = phones.add_person()
    visitor.begin(person, REPORT)
    visitor.page.evaluate(_FOLLOW, visitor.remembered("tilko_session_id"))
    line.cut()
    phones.approve(person)
    line.cut_sockets()
    wait_until(lambda: len(visitor.page.evaluate("heard")) > 3, every=0.1)
    line.restore()
    line.drop()
    wait_until(lambda: visitor.page.evaluate("states.at(-1)[0]") == "closed", 20, every=0.1)
    heard = visitor.page.evaluate("heard")
    assert [seq for seq, _, _ in heard] == list(range(1, len(heard) + 1))
    assert heard[-1][1:] == ["streaming_status", "completed"]


def test_no_socket_is_dialled_after_the_end(visitor: Visitor, phones: Phones, line: Line) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.approve(person)
    visitor.put_dialog_off()
    visitor.expect_results()
    dialled = line.sockets_dialled
    line.drop()
    visitor.page.evaluate("dispatchEvent(new Event('online'))")
    visitor.page.reload()
    expect(visitor.page.locator("#content")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    assert line.sockets_dialled == dialled
