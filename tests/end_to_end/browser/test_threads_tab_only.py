"""Threads in a browser that keeps no keys, as a private window or a locked-down one: in one tab, and said so."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.accessibility import examine
from tests.end_to_end.browser.test_accessibility import PHONE, findings
from tests.end_to_end.browser.test_threads import PASSWORD, SOON, Arrive, Correspondent, arrive, new_login
from tests.end_to_end.browser.test_threads_devices import confirm, fingerprint_of, row_of
from tests.end_to_end.product import Product
from tests.waiting import wait_until

__all__ = ["arrive", "new_login"]
NO_STORE = "IDBFactory.prototype.open = () => { throw new DOMException('forbidden', 'SecurityError'); };"
NO_KEYS = """{
    const whole = IDBObjectStore.prototype.put;
    const holdsKey = (value) => Object.values(Object(value)).some((one) => one instanceof CryptoKey);
    IDBObjectStore.prototype.put = function (value, ...more) {
        if (holdsKey(value)) throw new DOMException("a key cannot be cloned", "DataCloneError");
        return whole.call(this, value, ...more);
    };
}"""
_FAULT_PATH = "/static/the-fault-of-this-browser.js"
_STATES = "SELECT state FROM welno.welno_thread_devices WHERE member = :member"
ArriveBroken = Callable[..., Correspondent]


def break_worker(context: BrowserContext, fault: str) -> None:
    """What is done to a page by its init script; a Worker has none."""

    def put_before(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=f'import "{_FAULT_PATH}";\n{answer.text()}')

    context.route("**/threads/crypto_worker.js", put_before)
    context.route(f"**{_FAULT_PATH}", lambda route: route.fulfill(content_type="text/javascript", body=fault))


@pytest.fixture
def arrive_broken(arrive: Arrive, open_broken: Callable[..., Page], product: Product) -> ArriveBroken:
    """Signed in, at a browser with this fault, which the member's browser at home has approved."""

    def make(fault: str, **traits: object) -> Correspondent:
        at_home = arrive()
        tab = Correspondent(open_broken(fault, **traits), product.web_url, at_home.login).sign_in()
        at_home.page.reload()
        row = row_of(at_home.page, fingerprint_of(tab.page))
        row.get_by_role("button", name="이 기기 승인").click(timeout=SOON)
        confirm(at_home.page, "똑같아요, 승인하기")
        expect(row).to_contain_text("사용 중", timeout=SOON)
        return tab

    return make


@pytest.fixture
def open_broken(new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """A page at a browser with this fault."""

    def make(fault: str, **traits: object) -> Page:
        context = new_context(service_workers="block", **traits)
        context.add_init_script(fault)
        break_worker(context, fault)
        return context.new_page()

    return make


def states_of(product: Product, member: str) -> list[str]:
    return sorted(row["state"] for row in product.rows(_STATES, member=member))


def stay_when_asked(page: Page) -> None:
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()


@pytest.mark.parametrize("fault", [NO_STORE, NO_KEYS], ids=["IndexedDB throws at open", "a key cannot be stored"])
def test_two_people_exchange_messages_though_one_browser_keeps_no_keys(
    arrive_broken: ArriveBroken, arrive: Arrive, product: Product, fault: str
) -> None:
    nurse, doctor = arrive_broken(fault), arrive()
    told = nurse.page.locator("#tab-only")
    expect(told).to_contain_text("이 탭에서만 쓸 수 있어요.")
    expect(told).to_contain_text("보내지 않은 메시지는 사라지고")
    expect(doctor.page.locator("#tab-only")).to_be_hidden()
    member = nurse.member_id
    thread = nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    nurse.write("혈압 128/82")
    doctor.expect_message("혈압 128/82")
    doctor.write("확인했어요")
    nurse.expect_message("확인했어요")
    nurse.expect_waiting(0)
    assert "welno_push" not in {cookie["name"] for cookie in nurse.page.context.cookies()}
    nurse.page.get_by_label("네트워크 쓰기").uncheck()
    nurse.write("아직 못 보낸 말")
    nurse.expect_waiting(1)
    stay_when_asked(nurse.page)
    nurse.page.get_by_label("네트워크 쓰기").check()
    doctor.expect_message("아직 못 보낸 말")
    nurse.expect_waiting(0)
    with nurse.page.expect_event("close"):
        nurse.page.close(run_before_unload=True)
    wait_until(lambda: states_of(product, member) == ["active", "revoked"], 20)


def test_a_tab_does_not_become_the_first_device_of_a_member_of_staff(
    open_broken: Callable[..., Page], product: Product, new_login: Callable[[], str]
) -> None:
    page, login = open_broken(NO_STORE), new_login()
    page.goto(f"{product.web_url}/threads")
    page.get_by_label("로그인 이름").fill(login)
    page.get_by_label("비밀번호").fill(PASSWORD)
    page.get_by_role("button", name="로그인", exact=True).click()
    expect(page.locator("#threads-failed")).to_contain_text("일반 창에서 대화방을 한 번 열어 주세요.", timeout=SOON)
    assert states_of(product, f"staff:{login}") == []


def test_the_page_goes_on_after_its_login_is_over_and_they_sign_in_once_more(
    arrive_broken: ArriveBroken, arrive: Arrive, product: Product
) -> None:
    nurse, doctor = arrive_broken(NO_STORE), arrive()
    page, thread = nurse.page, nurse.begin_thread(doctor.member_id)
    doctor.open_thread(thread)
    token = page.evaluate("sessionStorage.getItem('welno_threads_staff_token')")
    page.request.post(f"{product.web_url}/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})
    nurse.write("로그인이 끝난 뒤의 말")
    expect(page.get_by_text("이 탭을 그대로 두고 다시 로그인하면 이어져요.")).to_be_visible(timeout=30_000)
    nurse.expect_waiting(1)
    nurse.sign_in()
    nurse.expect_waiting(0)
    doctor.expect_message("로그인이 끝난 뒤의 말")
    doctor.write("읽었어요")
    nurse.expect_message("읽었어요")
    expect(page.locator("#sign-in")).to_be_hidden()
    assert states_of(product, nurse.member_id) == ["active", "active"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_said_of_such_a_browser_is_accessible_on_a_phone(arrive_broken: ArriveBroken, scheme: str) -> None:
    nurse = arrive_broken(NO_STORE, viewport=PHONE, color_scheme=scheme, reduced_motion="reduce")
    page = nurse.page
    expect(page.locator("#tab-only")).to_be_visible(timeout=SOON)
    assert examine(page, "threads in one tab", findings(page)) == []
    nurse.begin_thread("staff:nobody")
    page.get_by_label("네트워크 쓰기").uncheck()
    nurse.write("기다리는 말")
    nurse.expect_waiting(1)
    page.get_by_role("button", name="로그아웃", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("로그아웃하면 사라지고 보내지 않아요.")
    assert examine(page, "leaving such a tab", findings(page)) == []
    page.get_by_role("dialog").get_by_role("button", name="로그아웃").click()
    expect(page.get_by_role("heading", name="대화방 열기")).to_be_visible(timeout=SOON)
    expect(page.locator("#tab-only")).to_be_hidden()
