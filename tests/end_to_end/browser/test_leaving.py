"""Two people at one browser, one after the other and in two tabs: they see nothing of each other."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.end_to_end.browser.driving import Visitor
from tests.end_to_end.browser.people import Phones, Someone
from tests.end_to_end.product import Product
from tests.waiting import wait_until

PASSWORD = "804251"
_LEFT = """async () => ({
    local: Object.entries(localStorage),
    session: Object.entries(sessionStorage),
    databases: (await indexedDB.databases()).map(({ name }) => name),
    caches: await caches.keys(),
})"""
_NOTHING: dict[str, list[str]] = {"local": [], "session": [], "databases": [], "caches": []}
_ASK = "async (path) => (await fetch(`/api/v1/patients/${path}`)).status"

NewContext = Callable[..., BrowserContext]


def collect(visitor: Visitor, person: Someone, phones: Phones) -> str:
    """The person's records stand in this browser; their uuid."""
    visitor.begin(person)
    phones.approve(person)
    visitor.put_password_off()
    visitor.expect_results()
    wait_until(visitor.own_copies)
    return str(visitor.remembered("welno_patient_uuid"))


def sign_out(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="로그아웃").click()
    expect_signed_out(visitor.page)


def expect_signed_out(page: Page) -> None:
    expect(page.get_by_text("로그아웃했어요. 이 기기에는 아무 기록도 남아 있지 않아요.")).to_be_visible()
    assert page.evaluate("location.search") == ""


def expect_nothing_left(context: BrowserContext, page: Page) -> None:
    wait_until(lambda: page.evaluate(_LEFT) == _NOTHING)
    assert page.evaluate(_LEFT) == _NOTHING
    assert context.cookies() == []


def statuses(page: Page, uuid: str) -> set[Any]:
    kinds = ("checkups", "prescriptions", "report", "browser-key", "consents", "access-log", "sessions")
    return {page.evaluate(_ASK, f"{uuid}/{kind}") for kind in kinds}


def test_a_sign_out_leaves_nothing_on_the_device(new_context: NewContext, product: Product, phones: Phones) -> None:
    context, person = new_context(), phones.add_person(checkups=2)
    visitor = Visitor(context.new_page(), product.web_url)
    uuid = collect(visitor, person, phones)
    address, before = visitor.page.url, context.cookies()
    assert {cookie["name"] for cookie in before} == {"welno_browser", "welno_session"}
    sign_out(visitor)
    expect_nothing_left(context, visitor.page)
    assert statuses(visitor.page, uuid) == {404}
    context.add_cookies(before)  # whoever copied it has nothing of it
    assert statuses(visitor.page, uuid) == {404}
    context.clear_cookies()
    visitor.page.goto(address)
    expect(visitor.page.get_by_role("heading", name="비밀번호를 입력해 주세요")).to_be_visible()
    expect(visitor.page.locator("#content")).to_be_hidden()


def test_the_way_back_shows_nothing_of_who_signed_out(
    new_context: NewContext, product: Product, phones: Phones
) -> None:
    visitor = Visitor(new_context().new_page(), product.web_url)
    collect(visitor, phones.add_person(checkups=2), phones)
    visitor.page.goto(visitor.page.url + "&again")
    expect(visitor.page.locator("#content")).to_be_visible()
    sign_out(visitor)
    visitor.page.go_back()
    expect(visitor.page.get_by_role("heading", name="비밀번호를 입력해 주세요")).to_be_visible()
    expect(visitor.page.locator("#content")).to_be_hidden()


def test_every_tab_leaves_when_one_signs_out(new_context: NewContext, product: Product, phones: Phones) -> None:
    context = new_context()
    first, second, form = (Visitor(context.new_page(), product.web_url) for _ in range(3))
    collect(first, phones.add_person(checkups=2), phones)
    second.page.goto(first.page.url)
    expect(second.page.locator("#content")).to_be_visible()
    form.open()
    form.page.get_by_label("이름", exact=True).fill("김하늘")
    sign_out(first)
    for tab in (second, form):
        expect_signed_out(tab.page)
        expect_nothing_left(context, tab.page)
    expect(form.page.get_by_label("이름", exact=True)).to_have_value("")


def test_a_sign_out_in_one_tab_ends_the_wait_in_another(
    new_context: NewContext, product: Product, phones: Phones
) -> None:
    context, person = new_context(), phones.add_person()
    first, second = Visitor(context.new_page(), product.web_url), Visitor(context.new_page(), product.web_url)
    collect(first, phones.add_person(), phones)
    second.begin(person)
    first.open("/results-trend")
    sign_out(first)
    expect_signed_out(second.page)
    expect_nothing_left(context, second.page)


def test_one_after_the_other_sees_nothing_of_the_one_before(
    new_context: NewContext, product: Product, phones: Phones
) -> None:
    context = new_context()
    visitor = Visitor(context.new_page(), product.web_url)
    one, other = phones.add_person(checkups=4), phones.add_person(checkups=1)
    first = collect(visitor, one, phones)
    # No sign-out: the next person simply begins.
    visitor.page.goto("about:blank")
    second = collect(visitor, other, phones)
    wait_until(lambda: [row["uuid"] for row in visitor.own_copies()] == [second])
    assert first != second
    assert statuses(visitor.page, first) == {404}
    visitor.open(f"/results-trend?uuid={first}")
    expect(visitor.page.get_by_role("heading", name="비밀번호를 입력해 주세요")).to_be_visible()
    assert one.name not in json.dumps(visitor.page.evaluate(_LEFT), ensure_ascii=False)


def test_a_tab_closes_when_somebody_else_opens_theirs(
    new_context: NewContext, product: Product, phones: Phones
) -> None:
    context = new_context()
    first, second = Visitor(context.new_page(), product.web_url), Visitor(context.new_page(), product.web_url)
    left = collect(first, phones.add_person(checkups=4), phones)
    collect(second, phones.add_person(checkups=1), phones)
    expect(first.page.get_by_text("다른 분이 기록을 열어서, 열려 있던 기록은 닫았어요.")).to_be_visible()
    assert statuses(second.page, left) == {404}


def test_a_password_closes_the_records_of_who_was_there_before(
    new_context: NewContext, product: Product, phones: Phones
) -> None:
    owner = Visitor(new_context().new_page(), product.web_url)
    person = phones.add_person(checkups=2)
    owner.begin(person)
    phones.approve(person)
    owner.set_password(PASSWORD)
    owner.expect_results()
    shared = new_context()
    first, second = Visitor(shared.new_page(), product.web_url), Visitor(shared.new_page(), product.web_url)
    left = collect(first, phones.add_person(), phones)
    second.page.goto(owner.page.url)
    second.page.get_by_label("비밀번호", exact=True).fill(PASSWORD)
    second.page.get_by_role("button", name="기록 열기").click()
    expect(second.page.locator("#content")).to_be_visible(timeout=20_000)
    expect(first.page.get_by_text("열려 있던 기록은 닫았어요.")).to_be_visible()
    assert statuses(second.page, left) == {404}


def test_a_sign_out_without_a_line_says_what_is_left_to_do(
    new_context: NewContext, product: Product, phones: Phones
) -> None:
    context = new_context()
    visitor = Visitor(context.new_page(), product.web_url)
    collect(visitor, phones.add_person(), phones)
    visitor.page.route("**/sign-out", lambda route: route.abort())
    visitor.page.get_by_role("button", name="로그아웃").click()
    expect(visitor.page.locator("#leaving-failure")).to_contain_text("다시 로그아웃해 주세요.")
    expect(visitor.page.locator("#content")).to_be_hidden()
    assert visitor.page.evaluate(_LEFT) == _NOTHING
    visitor.page.unroute("**/sign-out")
    sign_out(visitor)
    expect_nothing_left(context, visitor.page)
