"""Threads at a computer that several people share, one after the other and at once."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.end_to_end.browser import test_threads
from tests.end_to_end.browser.test_threads import SOON, Arrive, Correspondent, numbers_in
from tests.end_to_end.product import Product
from tests.waiting import wait_until

# Fixtures.
new_login, arrive = test_threads.new_login, test_threads.arrive
_DATABASES = "async () => (await indexedDB.databases()).map(({ name }) => name).sort()"
_ROWS_OF = """async ([name, store]) => {
    const open = indexedDB.open(name);
    const database = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result); });
    const all = database.transaction(store).objectStore(store).getAll();
    const rows = await new Promise((resolve) => { all.onsuccess = () => resolve(all.result); });
    database.close();
    return JSON.stringify(rows);
}"""


def test_a_second_person_at_the_same_computer_finds_neither_keys_nor_outbox(
    arrive: Arrive, new_login: Callable[[], str], product: Product
) -> None:
    nurse = arrive()
    thread = nurse.begin_thread("staff:nobody")
    page = nurse.page
    page.get_by_label("네트워크 쓰기").uncheck()
    nurse.write("간호사의 말")
    nurse.expect_waiting(1)
    [first] = page.evaluate(_DATABASES)
    page.get_by_role("button", name="로그아웃", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="로그아웃").click()
    expect(page.get_by_role("heading", name="대화방 열기")).to_be_visible(timeout=SOON)
    doctor = Correspondent(page, product.web_url, new_login()).sign_in()
    expect(page.locator("#list-empty")).to_be_visible(timeout=SOON)
    doctor.expect_waiting(0)
    [second] = [name for name in page.evaluate(_DATABASES) if name != first]
    assert doctor.member_id not in page.evaluate(_ROWS_OF, [first, "keys"])
    assert page.evaluate(_ROWS_OF, [second, "outbox"]) == "[]"
    assert nurse.login != doctor.login
    assert "간호사의 말" not in page.evaluate(_ROWS_OF, [first, "outbox"])
    page.get_by_role("button", name="로그아웃", exact=True).click()
    expect(page.get_by_role("heading", name="대화방 열기")).to_be_visible(timeout=SOON)
    nurse.sign_in()
    wait_until(lambda: numbers_in(product, thread) == [1], 20)
    nurse.expect_waiting(0)


def test_a_page_left_open_sends_nothing_in_the_next_persons_name_and_loses_nothing(
    arrive: Arrive, new_login: Callable[[], str], product: Product
) -> None:
    nurse = arrive()
    page = nurse.page
    thread = nurse.begin_thread("staff:nobody")
    page.get_by_label("네트워크 쓰기").uncheck()
    nurse.write("남겨 둔 말")
    nurse.expect_waiting(1)
    token = page.evaluate("sessionStorage.getItem('welno_threads_staff_token')")
    page.request.post(f"{product.web_url}/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})
    other = page.context.new_page()
    Correspondent(other, product.web_url, new_login()).sign_in()
    page.get_by_label("네트워크 쓰기").check()
    expect(page.get_by_text("로그인이 끝났어요.")).to_be_visible(timeout=SOON)
    with page.expect_response(lambda reply: reply.url.endswith("/push-batch") and reply.status == 200):
        page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#outbox-rows li .error")).to_have_count(0)
    nurse.expect_waiting(1)
    page.get_by_role("button", name="다시 로그인").click()
    nurse.sign_in()
    wait_until(lambda: numbers_in(product, thread) == [1], 20)
    nurse.expect_waiting(0)
