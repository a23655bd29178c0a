"""Signing in, and whose projects one sees."""

import pytest
from playwright.sync_api import Cookie, Page, Route, expect

from tests.integration.interviews.company import World
from tests.waiting import wait_until

from .conftest import Visit, sign_in


def rows(page: Page) -> list[str]:
    return page.locator("#projects-rows h2").all_inner_texts()


def test_signing_in_leads_to_my_projects(open_page: Visit) -> None:
    page = open_page("/login")
    sign_in(page, "mina")
    expect(page.locator("#projects-rows li")).to_have_count(2)
    assert rows(page) == ["배달 앱 연구", "은행 앱 연구"]
    expect(page.locator("#who")).to_have_text("mina · 한빛리서치")


def test_a_wrong_password_is_told_and_nothing_else(open_page: Visit) -> None:
    page = open_page("/login")
    sign_in(page, "mina", "wrong")
    expect(page.get_by_role("alert").filter(has_text="이메일이나 비밀번호가 맞지 않아요.")).to_be_focused()
    page.get_by_label("비밀번호").fill("")
    page.get_by_role("button", name="로그인").click()
    expect(page.locator("#password-error")).to_have_text("비밀번호를 입력해 주세요.")
    expect(page.get_by_label("비밀번호")).to_be_focused()


def test_who_is_not_signed_in_is_led_back_after_the_login(open_page: Visit, world: World) -> None:
    page = open_page(f"/projects/{world.food}#search=%EA%B2%B0")
    page.wait_for_url("**/login?**")
    sign_in(page, "vera")
    page.wait_for_url(f"**/projects/{world.food}#search=**")
    expect(page.get_by_role("heading", name="찾기")).to_be_visible()


@pytest.mark.parametrize(
    "foreign", ["https://evil.example/projects", "//evil.example", "/staff/runs", "/projects/../my"]
)
def test_the_login_leads_to_no_other_page(open_page: Visit, foreign: str) -> None:
    page = open_page(f"/login?next={foreign}")
    sign_in(page, "vera")
    page.wait_for_url("**/projects")
    expect(page.locator("#projects-rows li")).to_have_count(1)


def test_a_stranger_cannot_tell_the_project_from_none(open_page: Visit, world: World) -> None:
    page = open_page(f"/login?next=/projects/{world.food}")
    sign_in(page, "sora")
    expect(page.get_by_text("프로젝트를 찾을 수 없어요.")).to_be_visible()
    expect(page.locator("#project")).to_be_hidden()
    assert "배달" not in page.content()


def test_signing_out_ends_the_login_in_every_tab(open_page: Visit, world: World) -> None:
    page = open_page(f"/login?next=/projects/{world.food}")
    sign_in(page, "jun")
    expect(page.locator("#interviews-empty")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#interviews-empty")).to_be_visible()
    page.get_by_role("button", name="로그아웃").click()
    page.wait_for_url("**/login")
    other.wait_for_url("**/login?**")


def test_an_ended_access_token_is_renewed_without_a_word(open_page: Visit, world: World) -> None:
    page = open_page(f"/login?next=/projects/{world.food}")
    sign_in(page, "jun")
    expect(page.locator("#interviews-empty")).to_be_visible()
    ended = end_access(page)
    page.reload()
    expect(page.locator("#interviews-empty")).to_be_visible()
    assert access_of(page)["value"] != ended["value"]


@pytest.mark.parametrize("cookies_came", [False, True])
def test_a_page_loaded_anew_while_its_login_is_renewed_stays_signed_in(
    open_page: Visit, world: World, cookies_came: bool
) -> None:
    page = open_page(f"/login?next=/projects/{world.food}")
    sign_in(page, "jun")
    expect(page.locator("#interviews-empty")).to_be_visible()
    end_access(page)
    before = page.context.cookies()
    lost: list[int] = []

    def lose(route: Route) -> None:
        lost.append(route.fetch().status)
        if not cookies_came:
            page.context.add_cookies(before)  # type: ignore[arg-type] # what one gives, the other takes

    page.route("**/api/v1/accounts/refresh", lose, times=1)  # its answer never comes
    page.reload()
    wait_until(lambda: page.evaluate("true") and lost, 30)
    page.reload()
    expect(page.locator("#interviews-empty")).to_be_visible()
    assert lost == [200]


def access_of(page: Page) -> Cookie:
    return next(cookie for cookie in page.context.cookies() if cookie.get("name") == "welno_account")


def end_access(page: Page) -> Cookie:
    """The token in the cookie holds no more; what renews it is as it was."""
    ended = access_of(page) | {"value": "ended"}
    page.context.add_cookies([ended])  # type: ignore[list-item] # as above
    return ended
