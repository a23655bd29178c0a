"""The parts that every page is made of: fields, errors, dialogs, lists, notes and the connection's indicator."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.browser.driving import OFFLINE, Visitor
from tests.waiting import wait_until

_LOADED = datetime(2026, 1, 1, tzinfo=UTC)
_FIELD = """async () => {
    const { digitsOf, Field } = await import("/static/page/kit/field.js");
    new Field("user_name", { format: digitsOf });
}"""
_ERROR = """async (trouble) => {
    const { showError } = await import("/static/page/kit/error.js");
    const next = { label: "다시 불러오기", act: () => { globalThis.acts = (globalThis.acts ?? 0) + 1; } };
    showError(document.getElementById("form-failure"), trouble && { ...trouble, next });
}"""
_DIALOG = """async () => {
    const { openDialog } = await import("/static/page/kit/dialog.js");
    globalThis.answers ??= [];
    openDialog(document.getElementById("password-dialog")).then((answer) => answers.push(answer));
}"""
# The browser tells of the first close when the second question stands already.
_DIALOG_TWICE = """async () => {
    const { openDialog } = await import("/static/page/kit/dialog.js");
    const dialog = document.getElementById("password-dialog");
    globalThis.answers = [];
    openDialog(dialog).then((answer) => answers.push(`first: ${answer}`));
    dialog.close("set");
    openDialog(dialog).then((answer) => answers.push(`second: ${answer}`));
}"""
_CONFIRM = """async () => {
    const { askToConfirm } = await import("/static/page/kit/dialog.js");
    askToConfirm({ title: "지울까요?", text: "되돌릴 수 없어요.", yes: "지우기", look: "danger", about: "a-1" })
        .then((answer) => { globalThis.questionAnswer = answer; });
}"""
_LIST = """async () => {
    const { List } = await import("/static/page/kit/list.js");
    const { make } = await import("/static/page/kit/dom.js");
    globalThis.list = new List("visits");
    globalThis.rows = (count) => Array.from({ length: count }, (_, n) => make("p", { id: `row-${n}` }, `${n}`));
}"""
_TOAST = """async ([level, text, reference]) => {
    const { showToast } = await import("/static/page/kit/toast.js");
    showToast(level, text, reference);
}"""
_CONNECTION = """async (state) => {
    const { showConnection } = await import("/static/page/kit/connection.js");
    showConnection(state, null);
}"""


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """The start page, whose time stands until a test lets it pass."""
    visitor.page.clock.install(time=_LOADED)
    visitor.open()
    visitor.page.clock.pause_at(_LOADED + timedelta(hours=1))
    return visitor.page


@pytest.mark.parametrize("lost", ["collection/start.js", "kit/field.js"])
def test_a_page_that_does_not_start_says_so_after_a_while(visitor: Visitor, lost: str) -> None:
    visitor.page.route(f"**/page/{lost}", lambda route: route.abort())
    visitor.open()
    notice = visitor.page.get_by_text("페이지가 아직 열리지 않았어요.")
    expect(notice).to_be_hidden()
    passed = "document.getAnimations().map(one => { one.finish(); return one.effect.getTiming().delay; })"
    assert visitor.page.evaluate(passed) == [10_000]
    expect(notice).to_be_visible()
    visitor.page.emulate_media(media="print")
    expect(notice).to_be_hidden()


def test_a_page_that_starts_has_no_such_notice(visitor: Visitor) -> None:
    for path in ("/", "/sign-in", "/my", "/my/erased", "/results-trend", "/journey", "/login", "/threads", "/nowhere"):
        visitor.open(path)
        expect(visitor.page.locator("#not-started")).to_have_count(0)


def test_text_is_formatted_while_it_is_typed(page: Page) -> None:
    page.evaluate(_FIELD)
    field = page.get_by_label("이름", exact=True)
    field.press_sequentially("0a1b2")
    expect(field).to_have_value("012")


def test_formatting_leaves_the_caret_where_it_was(page: Page) -> None:
    page.evaluate(_FIELD)
    field = page.get_by_label("이름", exact=True)
    field.fill("0123")
    field.press("ArrowLeft")
    field.press("ArrowLeft")
    field.press_sequentially("x9")
    expect(field).to_have_value("01923")


def test_an_error_names_the_next_step_and_a_number_for_staff(page: Page) -> None:
    page.evaluate(_ERROR, {"text": "저장하지 못했어요.", "reference": "r-1"})
    place = page.locator("#form-failure")
    expect(place).to_have_text("저장하지 못했어요.다시 불러오기문의 번호 r-1")
    place.get_by_role("button", name="다시 불러오기").click()
    assert page.evaluate("acts") == 1
    page.evaluate(_ERROR, None)
    expect(place).to_be_hidden()


def test_the_same_error_is_not_read_out_again(page: Page) -> None:
    page.evaluate(_ERROR, {"text": "저장하지 못했어요."})
    page.evaluate("globalThis.before = document.getElementById('form-failure').firstElementChild")
    page.evaluate(_ERROR, {"text": "저장하지 못했어요."})
    assert page.evaluate("before.isConnected")


def test_a_dialog_takes_the_focus_and_gives_it_back(visitor: Visitor) -> None:
    visitor.open("/results-trend")
    page = visitor.page
    button = page.get_by_role("link", name="기록 모으기")
    button.focus()
    page.evaluate(_DIALOG)
    expect(page.get_by_label("새 비밀번호")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    assert wait_until(lambda: page.evaluate("answers")) == [""]


def test_a_dialog_that_is_opened_again_answers_the_first_question_no(visitor: Visitor) -> None:
    visitor.open("/results-trend")
    page = visitor.page
    page.evaluate(_DIALOG_TWICE)
    page.keyboard.press("Escape")
    wait_until(lambda: page.evaluate("answers.length === 2"))
    assert page.evaluate("answers") == ["first: ", "second: "]


@pytest.mark.parametrize(("button", "answer"), [("지우기", True), ("그대로 두기", False)])
def test_a_question_is_answered_by_its_button(visitor: Visitor, button: str, *, answer: bool) -> None:
    visitor.open("/staff/runs")
    visitor.page.evaluate(_CONFIRM)
    dialog = visitor.page.get_by_role("dialog", name="지울까요?")
    expect(dialog).to_contain_text("a-1")
    dialog.get_by_role("button", name=button).click()
    wait_until(lambda: visitor.page.evaluate("globalThis.questionAnswer !== undefined"))
    assert visitor.page.evaluate("questionAnswer") is answer


def test_a_list_says_whether_it_loads_is_empty_or_failed(visitor: Visitor) -> None:
    visitor.open("/results-trend")
    page = visitor.page
    page.evaluate("document.getElementById('content').hidden = false")
    page.evaluate(_LIST)
    loading, empty, failed = (page.locator(f"#visits-{part}") for part in ("loading", "empty", "failed"))
    page.evaluate("list.showLoading()")
    expect(loading).to_be_visible()
    page.evaluate("list.showRows([])")
    expect(empty).to_be_visible()
    expect(loading).to_be_hidden()
    page.evaluate("list.showError({ text: '불러오지 못했어요.' })")
    expect(failed).to_have_text("불러오지 못했어요.")
    expect(empty).to_be_hidden()
    page.evaluate("list.showRows(rows(2))")
    expect(failed).to_be_hidden()
    expect(page.locator("#visits-rows p")).to_have_count(2)


def test_more_of_a_list_takes_the_focus_to_what_is_new(visitor: Visitor) -> None:
    visitor.open("/results-trend")
    page = visitor.page
    page.evaluate("document.getElementById('content').hidden = false")
    page.evaluate(_LIST)
    page.evaluate("list.showRows(rows(2), { onMore: () => list.showRows(rows(4), { focusFrom: 2 }) })")
    page.get_by_role("button", name="더 보기").click()
    expect(page.locator("#row-2")).to_be_focused()
    expect(page.get_by_role("button", name="더 보기")).to_be_hidden()


def test_a_note_goes_when_it_could_be_read(page: Page) -> None:
    page.evaluate(_TOAST, ["success", "비밀번호를 정했어요.", None])
    note = page.get_by_role("status").get_by_text("비밀번호를 정했어요.")
    page.clock.run_for(6_900)
    expect(note).to_be_visible()
    page.clock.run_for(200)
    expect(note).to_have_count(0)


def test_a_note_stays_while_it_is_pointed_at(page: Page) -> None:
    page.evaluate(_TOAST, ["success", "비밀번호를 정했어요.", None])
    note = page.get_by_text("비밀번호를 정했어요.")
    note.hover()
    page.clock.run_for(60_000)
    expect(note).to_be_visible()


def test_a_note_of_an_error_is_read_out_at_once_with_its_number(page: Page) -> None:
    page.evaluate(_TOAST, ["error", "잠시 서비스에 문제가 있어요.", "r-1"])
    expect(page.get_by_role("alert").get_by_text("문의 번호 r-1")).to_be_visible()


def test_a_lost_connection_is_shown_when_it_lasts_and_when_it_is_back(page: Page) -> None:
    place = page.locator("#connection")
    page.evaluate(_CONNECTION, "connecting")
    page.clock.run_for(1_400)
    expect(place).to_be_hidden()
    page.clock.run_for(200)
    expect(place).to_have_text(OFFLINE)
    page.evaluate(_CONNECTION, "live")
    expect(place).to_have_text("다시 연결됐어요.")
    page.clock.run_for(3_100)
    expect(place).to_be_hidden()


def test_a_second_reconnect_does_not_take_away_that_it_is_back(page: Page) -> None:
    place = page.locator("#connection")
    for state in ("offline", "live", "connecting", "live"):
        page.evaluate(_CONNECTION, state)
        page.clock.run_for(100)
    expect(place).to_have_text("다시 연결됐어요.")
    page.clock.run_for(3_100)
    expect(place).to_be_hidden()
