"""A project before two people: what one does the other sees at once, and only what their role may is offered."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine

from tests.integration.interviews.company import World
from tests.integration.webapp.interviews.members import Member

from .analyses import SCRIPT, Analyses, require_consent
from .conftest import PHONE, Visit

TEXT = "질문: 언제 주문하세요?\n답: 퇴근하면서 지하철에서 주문해요.\n"
_DROP = """(text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "끌어온 인터뷰.txt", { type: "text/plain", lastModified: 1 }));
    return data;
}"""


@pytest.fixture
def interview_file(tmp_path: Path) -> Path:
    path = tmp_path / "퇴근길 인터뷰.txt"
    path.write_text(TEXT)
    return path


def row(page: Page, title: str) -> Locator:
    return page.locator("#interviews-rows li").filter(has_text=title)


def toast(page: Page, text: str) -> Locator:
    return page.locator(".toast").filter(has_text=text)


def upload(page: Page, path: Path) -> None:
    page.locator("#files").set_input_files(path)


def open_interview(page: Page, title: str) -> None:
    row(page, title).get_by_role("link").click()
    expect(page.locator("#interview-title")).to_have_text(title)


def test_an_upload_is_one_row_and_the_others_see_it_at_once(visit: Visit, interview_file: Path) -> None:
    jun, vera = visit("jun"), visit("vera")
    expect(vera.locator("#interviews-empty")).to_be_visible()
    upload(jun, interview_file)
    for page in (jun, vera):
        expect(row(page, "퇴근길 인터뷰")).to_contain_text("읽는 중")
        expect(page.locator("#interviews-rows li")).to_have_count(1)
    expect(toast(vera, "새 인터뷰가 추가되었습니다: 퇴근길 인터뷰")).to_be_visible()


def test_a_dropped_file_is_uploaded_with_its_progress(visit: Visit) -> None:
    page = visit("jun")
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    network.send("Network.emulateNetworkConditions", slow)
    data = page.evaluate_handle(_DROP, TEXT * 8_000)
    page.locator("#drop").dispatch_event("dragover", {"dataTransfer": data})
    expect(page.locator("#upload")).to_have_class(re.compile("over"))
    page.locator("#drop").dispatch_event("drop", {"dataTransfer": data})
    expect(page.locator("#interviews-rows progress")).to_have_count(1)
    expect(page.locator("#interviews-rows .hint")).to_have_text(re.compile(r"^[1-9]\d?%$"))
    expect(row(page, "끌어온 인터뷰")).to_contain_text("읽는 중")
    expect(page.locator("#interviews-rows li")).to_have_count(1)


def test_a_pasted_text_is_uploaded_with_the_words_to_be_masked(visit: Visit, mina: Member) -> None:
    page = visit("jun")
    page.get_by_text("더 가릴 말 정하기").click()
    page.get_by_label("가릴 말").fill("한빛마트, 새벽별")
    page.get_by_text("글 붙여 넣기").click()
    page.get_by_label("제목").fill("한빛마트 단골")
    page.get_by_label("인터뷰 글").fill("답: 한빛마트에서 사요.")
    page.get_by_role("button", name="글 올리기").click()
    expect(page.locator("#interviews-rows .row-title")).not_to_contain_text("한빛마트")
    expect(page.get_by_label("인터뷰 글")).to_have_value("")


def test_what_the_server_refuses_is_told_in_its_row(visit: Visit, tmp_path: Path) -> None:
    page = visit("jun")
    path = tmp_path / "옛 문서.hwp"
    path.write_bytes(b"HWP Document File")
    upload(page, path)
    expect(row(page, "옛 문서.hwp")).to_contain_text("올리지 못함")
    expect(row(page, "옛 문서.hwp").locator(".error")).to_contain_text("hwp", ignore_case=True)
    expect(row(page, "옛 문서.hwp").get_by_role("button", name="다시 시도")).to_have_count(0)
    page.get_by_role("button", name="옛 문서.hwp 닫기").click()
    expect(page.locator("#interviews-empty")).to_be_visible()


def test_the_same_file_twice_is_told(visit: Visit, interview_file: Path) -> None:
    page = visit("jun")
    upload(page, interview_file)
    expect(row(page, "퇴근길 인터뷰")).to_contain_text("읽는 중")
    upload(page, interview_file)
    expect(toast(page, "같은 내용의 인터뷰가 이 프로젝트에 이미 있어요.")).to_be_visible()
    expect(page.locator("#interviews-rows li")).to_have_count(2)


def test_where_consent_is_required_it_comes_first(
    visit: Visit, engine: Engine, world: World, interview_file: Path
) -> None:
    require_consent(engine, world)
    page = visit("jun")
    upload(page, interview_file)
    expect(page.locator("#consent-error")).to_be_visible()
    expect(page.get_by_label("동의를 받았어요")).to_be_focused()
    expect(page.locator("#interviews-rows li")).to_have_count(0)
    page.get_by_label("동의를 받았어요").check()
    upload(page, interview_file)
    expect(row(page, "퇴근길 인터뷰")).to_contain_text("읽는 중")


def test_an_open_interview_fills_with_its_analysis(visit: Visit, analyses: Analyses) -> None:
    page = visit("vera")
    interview = analyses.add("새벽 배달")
    open_interview(page, "새벽 배달")
    expect(page.get_by_text("분석하고 있어요.")).to_be_visible()
    analyses.begin(interview)
    expect(row(page, "새벽 배달")).to_contain_text("분석 중")
    analyses.complete(interview)
    expect(row(page, "새벽 배달")).to_contain_text("분석 완료")
    expect(toast(page, "인터뷰 분석이 완료되었습니다: 새벽 배달")).to_be_visible()
    for text in ("주문은 이동하면서 한다", "쿠폰을 찾기 어렵다", "한 손으로 끝나는 주문", "바쁜 직장인", "주문하는 때"):
        expect(page.locator("#analysis")).to_contain_text(text)


def test_a_theme_says_of_which_interview_its_people_are(visit: Visit, analyses: Analyses) -> None:
    done = analyses.add("새벽 배달")
    analyses.complete(done)
    analyses.find_themes(done)
    page = visit("vera")
    page.goto(f"{page.url}#themes")
    expect(page.locator("#themes-rows")).to_contain_text("[인터뷰1 이름1]은 쿠폰이 어렵다")
    legend = page.locator("#themes-rows .legend")
    expect(legend).to_have_text("[인터뷰1 이름1]: 새벽 배달의 [이름1]")
    legend.get_by_role("link").click()
    expect(page.locator("#interview-title")).to_have_text("새벽 배달")


def test_a_quote_leads_to_its_utterance_by_keyboard_too(visit: Visit, analyses: Analyses) -> None:
    analyses.complete(analyses.add("새벽 배달"))
    page = visit("vera", viewport=PHONE)
    open_interview(page, "새벽 배달")
    quote = page.get_by_role("link", name=re.compile("쿠폰을 찾다가"))
    for _ in range(2):  # from its utterance one scrolls back, and goes there once more
        quote.focus()
        page.keyboard.press("Enter")
        utterance = page.locator("#utterance-3")
        expect(utterance).to_be_focused()
        expect(utterance).to_be_in_viewport()
        expect(utterance).to_have_class(re.compile("marked"))
    expect(page.locator(".quote").filter(has_text="아무도 하지 않은 말")).to_contain_text("원문에서 찾지 못함")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_link_to_an_utterance_opens_it(visit: Visit, analyses: Analyses) -> None:
    interview = analyses.add("새벽 배달")
    analyses.complete(interview)
    page = visit("vera")
    page.goto(f"{page.url}#interview={interview}&line=2")
    expect(page.locator("#utterance-2")).to_be_focused()


def test_a_merged_utterance_is_found_by_each_of_its_numbers(visit: Visit, analyses: Analyses, jun: Member) -> None:
    interview = analyses.add("새벽 배달")
    merged = {"id": [2, 3], "speaker": "[이름1]", "category": "불편", "cleaned_sentence": "쿠폰을 찾다가 놓쳐요."}
    part = {"sector_name": "쿠폰 이야기", "start_line": 3, "end_line": 4, "is_main_content": True}
    script = [SCRIPT[0], merged, {"id": [4], "speaker": "진행자", "cleaned_sentence": "그렇군요."}]
    analyses.complete(interview, cleaned_script=script, script_sections=[part])
    for first, last in ((3, 3), (1, 4)):
        body = {"firstUtteranceId": first, "lastUtteranceId": last}
        assert jun.ask("POST", f"/api/interviews/{interview}/highlights", json=body).status_code == 200
    page = visit("vera")
    page.get_by_role("link", name="하이라이트", exact=True).click()
    excerpts = page.locator("#collected-rows .excerpt")
    told = [f"{one['speaker']}: {one['cleaned_sentence']}" for one in script]
    expect(excerpts).to_have_text(["\n".join(told), told[1]])
    page.locator("#collected-rows").get_by_role("link", name="새벽 배달 · 3번 발화").click()
    expect(page.locator("#utterance-2")).to_be_focused()
    expect(page.get_by_role("heading", name="쿠폰 이야기")).to_be_visible()


def test_a_failed_analysis_says_why_and_is_retried_by_who_may(visit: Visit, analyses: Analyses) -> None:
    jun, vera = visit("jun"), visit("vera")
    interview = analyses.add("새벽 배달")
    analyses.fail(interview, "분석이 너무 오래 걸렸어요.")
    for page in (jun, vera):
        expect(row(page, "새벽 배달")).to_contain_text("분석이 너무 오래 걸렸어요.")
        expect(toast(page, "분석에 실패했습니다")).to_be_visible()
    expect(vera.get_by_role("button", name="다시 분석")).to_have_count(0)
    jun.get_by_role("button", name="새벽 배달 다시 분석").click()
    for page in (jun, vera):
        expect(row(page, "새벽 배달")).to_contain_text("읽는 중")
        expect(row(page, "새벽 배달")).not_to_contain_text("오래 걸렸어요")


def test_a_retry_asks_for_consent_where_the_project_has_come_to_require_it(
    visit: Visit, engine: Engine, world: World, analyses: Analyses
) -> None:
    analyses.fail(analyses.add("새벽 배달"), "끊겼어요.")
    require_consent(engine, world)
    page = visit("jun")
    page.get_by_role("button", name="새벽 배달 다시 분석").click()
    page.get_by_role("dialog", name="동의를 받았나요?").get_by_role("button", name="그대로 두기").click()
    expect(row(page, "새벽 배달")).to_contain_text("분석 실패")
    page.get_by_role("button", name="새벽 배달 다시 분석").click()
    page.get_by_role("dialog", name="동의를 받았나요?").get_by_role("button", name="동의를 받았어요").click()
    expect(row(page, "새벽 배달")).to_contain_text("읽는 중")


def test_a_viewer_is_offered_nothing_that_is_refused(visit: Visit, analyses: Analyses) -> None:
    analyses.complete(analyses.add("새벽 배달"))
    analyses.fail(analyses.add("끊긴 배달"), "끊겼어요.")
    page = visit("vera")
    for title, may_export in (("새벽 배달", True), ("끊긴 배달", False)):
        open_interview(page, title)
        expect(page.get_by_role("link", name="엑셀로 받기")).to_have_count(int(may_export))
        for hidden in ("#upload", "#deleted", "#interview-retry", "#interview-delete", "#interview-original"):
            expect(page.locator(hidden)).to_be_hidden()
    shown = page.get_by_role("button").all_inner_texts()
    assert not {"삭제", "다시 분석", "되돌리기", "원본 받기"} & set(shown)


def test_an_editor_is_offered_no_original_and_no_erasure(visit: Visit, analyses: Analyses) -> None:
    analyses.complete(analyses.add("새벽 배달"))
    page = visit("jun")
    open_interview(page, "새벽 배달")
    expect(page.get_by_role("button", name="삭제")).to_be_visible()
    expect(page.locator("#interview-original")).to_be_hidden()


def test_a_deleted_interview_goes_everywhere_and_comes_back(visit: Visit, analyses: Analyses) -> None:
    analyses.complete(analyses.add("새벽 배달"))
    jun, vera = visit("jun"), visit("vera")
    open_interview(vera, "새벽 배달")
    open_interview(jun, "새벽 배달")
    jun.get_by_role("button", name="삭제", exact=True).click()
    jun.get_by_role("dialog").get_by_role("button", name="삭제").click()
    for page in (jun, vera):
        expect(page.locator("#interviews-empty")).to_be_visible()
        expect(page.locator("#interview")).to_be_hidden()
    expect(jun.get_by_role("heading", name="인터뷰", exact=True)).to_be_focused()
    jun.get_by_text("삭제한 인터뷰", exact=True).click()
    jun.get_by_role("button", name="새벽 배달 되돌리기").click()
    for page in (jun, vera):
        expect(row(page, "새벽 배달")).to_contain_text("분석 완료")
    expect(jun.locator("#deleted-empty")).to_be_visible()
    expect(toast(vera, "새 인터뷰가 추가되었습니다")).to_have_count(0)


def test_whatever_was_deleted_can_be_brought_back(visit: Visit, analyses: Analyses, mina: Member) -> None:
    """Also what is older than the first page of what was."""
    for number in range(52):
        mina.ask("DELETE", f"/api/interviews/{analyses.add(f'새벽 배달 {number}')}")
    page = visit("mina")
    page.get_by_text("삭제한 인터뷰", exact=True).click()
    expect(page.locator("#deleted-rows > li")).to_have_count(50)
    page.locator("#deleted-more").click()
    expect(page.locator("#deleted-rows > li")).to_have_count(52)
    expect(page.locator("#deleted-more")).to_be_hidden()
    page.get_by_role("button", name="새벽 배달 0 되돌리기").click()
    expect(row(page, "새벽 배달 0")).to_be_visible()
    expect(page.locator("#deleted-rows > li")).to_have_count(51)


def test_an_admin_erases_for_good(visit: Visit, analyses: Analyses, mina: Member) -> None:
    interview = analyses.add("새벽 배달")
    mina.ask("DELETE", f"/api/interviews/{interview}")
    page = visit("mina")
    page.get_by_text("삭제한 인터뷰", exact=True).click()
    page.get_by_role("button", name="새벽 배달 완전히 지우기").click()
    page.get_by_role("dialog").get_by_role("button", name="완전히 지우기").click()
    expect(toast(page, "모두 지웠어요.")).to_be_visible()
    assert mina.ask("GET", f"/api/interviews/{interview}").status_code == 404


def test_an_admin_downloads_the_original(visit: Visit, interview_file: Path) -> None:
    page = visit("mina")
    upload(page, interview_file)
    open_interview(page, "퇴근길 인터뷰")
    with page.expect_download() as download:
        page.get_by_role("link", name="원본 받기").click()
    assert (download.value.suggested_filename, download.value.path().read_text()) == (interview_file.name, TEXT)


def test_what_came_while_the_network_was_away_is_there_when_it_is_back(visit: Visit, analyses: Analyses) -> None:
    page = visit("vera")
    first = analyses.add("첫 배달")
    expect(row(page, "첫 배달")).to_be_visible()
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('online'))")  # the connection is tested, and lost
    expect(page.locator("#connection")).to_contain_text("연결이 끊겼어요")
    analyses.complete(first)
    analyses.add("둘째 배달")
    page.context.set_offline(False)
    expect(row(page, "둘째 배달")).to_be_visible()
    expect(row(page, "첫 배달")).to_contain_text("분석 완료")
    expect(page.locator("#interviews-rows li")).to_have_count(2)


def test_who_is_taken_out_of_the_project_is_told(visit: Visit, world: World, mina: Member) -> None:
    page = visit("vera")
    expect(page.locator("#interviews-empty")).to_be_visible()
    mina.ask("DELETE", f"/api/projects/{world.food}/members?accountId={world.people['vera']}")
    expect(page.get_by_text("이 프로젝트를 더 볼 수 없어요.")).to_be_visible()


def test_tabs_of_one_browser_share_one_stream(visit: Visit, analyses: Analyses) -> None:
    page = visit("jun")
    opened: list[str] = []
    other = page.context.new_page()  # the first one may still be opening the stream
    other.on("request", lambda request: "/api/sse/" in request.url and opened.append(request.url))
    other.goto(page.url)
    expect(other.locator("#interviews-empty")).to_be_visible()
    analyses.add("새벽 배달")
    for tab in (page, other):
        expect(row(tab, "새벽 배달")).to_be_visible()
    assert opened == []


def test_older_interviews_come_on_demand(visit: Visit, engine: Engine, world: World, analyses: Analyses) -> None:
    for number in range(52):
        analyses.add(f"{number}번 인터뷰")
    page = visit("vera")
    expect(page.locator("#interviews-rows li")).to_have_count(50)
    page.get_by_role("button", name="더 보기").click()
    expect(page.locator("#interviews-rows li")).to_have_count(52)
    expect(page.locator("#interviews-more")).to_be_hidden()
