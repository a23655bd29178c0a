"""Threads where something is scarce: the server's patience, and the room on this computer's disk."""

from playwright.sync_api import Page, Response, expect

from tests.end_to_end.browser import test_threads
from tests.end_to_end.browser.test_threads import SOON, Arrive, all_texts, numbers_in
from tests.end_to_end.product import Product
from tests.waiting import wait_until

# Fixtures.
new_login, arrive = test_threads.new_login, test_threads.arrive
_MANY = 250  # more than a device may send in four seconds
_COUNT_INBOX = """async () => {
    const databases = await indexedDB.databases();
    const open = indexedDB.open(databases.find(({ name }) => name.startsWith("threads-db-")).name);
    const database = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
    const count = database.transaction("inbox").objectStore("inbox").count();
    const found = await new Promise((resolve) => { count.onsuccess = () => resolve(count.result); });
    database.close();
    return found;
}"""
_FILL_DISK = """() => {
    globalThis.whole = IDBObjectStore.prototype.add;
    IDBObjectStore.prototype.add = function () { throw new DOMException("full", "QuotaExceededError"); };
}"""
_FREE_DISK = "() => { IDBObjectStore.prototype.add = globalThis.whole; }"


class Pushes:
    """How the server answered a page's pushes."""

    def __init__(self, page: Page) -> None:
        self._answers: list[Response] = []
        page.on("response", lambda answer: answer.url.endswith("/push-batch") and self._answers.append(answer))

    def levels(self) -> set[str]:
        """Also of those of which nothing was taken."""
        told = [answer.json() for answer in self._answers]
        return {(one.get("error", {}).get("details") or one)["backpressure"]["level"] for one in told}


def test_what_waits_goes_at_the_servers_pace_and_is_read_over_a_reload_in_its_middle(
    arrive: Arrive, product: Product
) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    before = doctor.page.evaluate(_COUNT_INBOX)
    pushes = Pushes(nurse.page)
    network = nurse.page.get_by_label("네트워크 쓰기")
    network.uncheck()
    nurse.write_many(1, _MANY)
    nurse.expect_waiting(_MANY)
    network.check()
    wait_until(lambda: doctor.page.evaluate(_COUNT_INBOX) > before, 60, every=0.05)
    doctor.page.reload()  # the address names the thread
    assert len(numbers_in(product, thread)) < _MANY
    wait_until(lambda: len(numbers_in(product, thread)) == _MANY, 120)
    assert numbers_in(product, thread) == list(range(1, _MANY + 1))
    nurse.expect_waiting(0)
    wait_until(lambda: all_texts(doctor) == [str(number) for number in range(1, _MANY + 1)], 90, every=0.5)
    assert pushes.levels() & {"slow", "stop"}


def test_a_message_for_which_the_disk_has_no_room_stays_with_its_writer(arrive: Arrive, product: Product) -> None:
    nurse = arrive()
    page = nurse.page
    thread = nurse.begin_thread("staff:nobody")
    page.evaluate(_FILL_DISK)
    nurse.write("자리가 없는 말")
    expect(page.locator("#send-failed")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("textbox", name="메시지", exact=True)).to_have_value("자리가 없는 말")
    nurse.expect_waiting(0)
    page.evaluate(_FREE_DISK)
    page.get_by_role("button", name="보내기", exact=True).click()
    nurse.expect_message("자리가 없는 말")
    assert numbers_in(product, thread) == [1]
