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

_READ_STORES = "JSON.stringify([localStorage, sessionStorage])"
_OPEN_AND_REPORT = """async (uuid) => {
    const { HealthDatabase } = await import("/static/sdk/welno.js");
    window.failure = await new HealthDatabase().readRecords(uuid).then(() => "none", (error) => error.code);
}"""
_KEEP_IN_CLEAR = """async () => {
    const open = indexedDB.open("WelnoHealthDB");
    const database = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
    const transaction = database.transaction("health_data", "readwrite");
    transaction.objectStore("health_data").put({ uuid: "old", patientName: "김하늘", healthData: [] });
    await new Promise((resolve) => { transaction.oncomplete = resolve; });
    database.close();
}"""
_SAVE_AT_ONCE = """async (uuid) => {
    const { HealthDatabase } = await import("/static/sdk/welno.js");
    const save = (number) => new HealthDatabase().saveRecords({
        uuid, healthData: [{ year: 2000 + number, location: `place ${number}` }], prescriptionData: [] });
    await Promise.all([0, 1, 2, 3, 4].map(save));
    return (await new HealthDatabase().readRecords(uuid)).healthData.map(({ location }) => location);
}"""


def _collect(visitor: Visitor, person: Someone, phones: Phones) -> dict[str, Any]:
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    (row,) = wait_until(visitor.own_copies)
    return dict(row)


def test_the_copy_holds_what_was_agreed(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=3, prescriptions=5)
    row = _collect(visitor, person, phones)
    record = visitor.opened_copy(row["uuid"])
    assert record
    assert (record["patientName"], record["birthday"]) == (person.name, "1984-05-17")
    assert (len(record["healthData"]), len(record["prescriptionData"])) == (3, 5)
    assert (record["hospitalId"], record["dataSource"]) == ("PEERNINE", "tilko")
    assert record["uuid"] == visitor.remembered("welno_patient_uuid")


def test_what_lies_in_the_browser_is_sealed(visitor: Visitor, phones: Phones) -> None:
    row = _collect(visitor, phones.add_person(), phones)
    assert set(row) == {"uuid", "createdAt", "updatedAt", "dataSource", "iv", "sealed"}


def test_nothing_of_the_person_stands_in_clear_in_any_store(visitor: Visitor, phones: Phones) -> None:
    """Neither while the phone is waited for nor afterwards: a tab that is left open, or a disk, is read by others."""
    person = phones.add_person()
    visitor.begin(person)
    kept = [visitor.page.evaluate(_READ_STORES)]
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    rows = wait_until(visitor.own_copies)
    kept += [visitor.page.evaluate(_READ_STORES), str(rows)]
    clear = (person.name, person.birthdate, "1984-05-17", person.phone, "gender")
    assert not [(word, store) for store in kept for word in clear if word in store]
    assert all("tilko_session_id" in store for store in kept[:2])


def test_without_the_session_the_copy_opens_for_nobody_and_goes(visitor: Visitor, phones: Phones) -> None:
    row = _collect(visitor, phones.add_person(), phones)
    visitor.page.context.clear_cookies()
    assert visitor.opened_copy(row["uuid"]) is None
    assert visitor.own_copies() == []


def test_without_a_line_nothing_opens_and_nothing_is_lost(visitor: Visitor, phones: Phones, line: Line) -> None:
    row = _collect(visitor, phones.add_person(), phones)
    visitor.open("/")
    visitor.page.route("**/browser-key", lambda route: route.abort())
    visitor.page.evaluate(_OPEN_AND_REPORT, row["uuid"])
    assert visitor.page.evaluate("failure") == "NETWORK_UNREACHABLE"
    visitor.page.unroute("**/browser-key")
    assert visitor.opened_copy(row["uuid"])


def test_what_was_kept_in_clear_goes_when_the_page_is_opened(visitor: Visitor, phones: Phones) -> None:
    row = _collect(visitor, phones.add_person(), phones)
    visitor.page.evaluate(_KEEP_IN_CLEAR)
    assert len(visitor.own_copies()) == 2
    visitor.open("/")
    assert [one["uuid"] for one in wait_until(lambda: len(visitor.own_copies()) == 1 and visitor.own_copies())] == [
        row["uuid"]
    ]


def test_two_tabs_that_save_at_once_lose_nothing_of_each_other(visitor: Visitor, phones: Phones) -> None:
    row = _collect(visitor, phones.add_person(checkups=1, prescriptions=1), phones)
    names = visitor.page.evaluate(_SAVE_AT_ONCE, row["uuid"])
    assert set(names) >= {f"place {number}" for number in range(5)}
    record = visitor.opened_copy(row["uuid"])
    assert record
    assert record["createdAt"] == row["createdAt"]


def test_a_second_collection_doubles_nothing(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person(checkups=3, prescriptions=5)
    first = _collect(visitor, person, phones)
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    later = wait_until(lambda: [one for one in visitor.own_copies() if one["updatedAt"] > first["updatedAt"]])[0]
    record = visitor.opened_copy(later["uuid"])
    assert record
    assert record["createdAt"] == first["createdAt"]
    assert (len(record["healthData"]), len(record["prescriptionData"])) == (3, 5)


def test_nothing_is_copied_before_the_end(visitor: Visitor, phones: Phones) -> None:
    person = phones.add_person()
    visitor.begin(person)
    with phones.held(TREATMENTS, person):
        phones.approve(person)
        visitor.page.wait_for_url("**/results-trend?**")
        assert visitor.own_copies() == []
    visitor.put_password_off()
    wait_until(visitor.own_copies)


def test_each_event_comes_once_and_in_order_however_often_the_line_breaks(
    visitor: Visitor, phones: Phones, line: Line
) -> None:
    person = phones.add_person()
    visitor.begin(person, REPORT)
    reader = visitor.page.context.new_page()  # the visitor's own goes on to the results
    reader.goto(f"{visitor.url}/sign-in")
    reader.evaluate(_FOLLOW, visitor.remembered("tilko_session_id"))
    line.cut()
    phones.approve(person)
    line.cut_sockets()
    wait_until(lambda: len(reader.evaluate("heard")) > 3, every=0.1)
    line.restore()
    line.drop()
    wait_until(lambda: reader.evaluate("states.at(-1)[0]") == "closed", 20, every=0.1)
    heard = reader.evaluate("heard")
    assert [seq for seq, _, _ in heard] == list(range(1, len(heard) + 1))
    assert heard[-1][1:] == ["streaming_status", "completed"]


def test_no_socket_is_dialled_after_the_end(visitor: Visitor, phones: Phones, line: Line) -> None:
    person = phones.add_person()
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    dialled = line.sockets_dialled
    line.drop()
    visitor.page.evaluate("dispatchEvent(new Event('online'))")
    visitor.page.reload()
    expect(visitor.page.locator("#content")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
    assert line.sockets_dialled == dialled
