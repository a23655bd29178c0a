"""What a person does in front of the page, in their words."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.end_to_end.browser.people import Someone

TREND, REPORT = "건강 추이 보기", "질병 예측 리포트 받기"
OFFLINE = "연결이 끊겼어요. 다시 연결하고 있어요."
_READ_DATABASE = """async () => {
    const open = indexedDB.open("WelnoHealthDB");
    const database = await new Promise((resolve, reject) => {
        open.onsuccess = () => resolve(open.result); open.onerror = () => reject(open.error); });
    if (!database.objectStoreNames.contains("health_data")) { database.close(); return []; }
    const all = database.transaction("health_data").objectStore("health_data").getAll();
    const records = await new Promise((resolve) => { all.onsuccess = () => resolve(all.result); });
    database.close();
    return records;
}"""

_OPEN_COPY = """async (uuid) => {
    const { HealthDatabase } = await import("/static/sdk/welno.js");
    return new HealthDatabase().readRecords(uuid);
}"""


@dataclass(frozen=True)
class Visitor:
    """One tab."""

    page: Page
    url: str

    def open(self, path: str = "/") -> None:
        self.page.goto(self.url + path)

    def fill_in(self, person: Someone, purpose: str = TREND, app: str = "카카오톡") -> None:
        page = self.page
        page.get_by_text(purpose, exact=True).click()
        self.go_on()
        page.get_by_label("이름", exact=True).fill(person.name)
        page.get_by_label("생년월일").fill(person.birthdate)
        page.get_by_text("남성", exact=True).click()
        page.get_by_label("휴대폰 번호").fill(person.phone)
        page.get_by_text(app, exact=True).click()
        self.go_on()
        page.get_by_label("아래 내용에 모두 동의해요").check()

    def go_on(self) -> None:
        """To the form's next step, where the screen is too narrow for all of it."""
        button = self.page.get_by_role("button", name="다음", exact=True)
        if button.is_visible():
            button.click()

    def submit(self) -> None:
        self.page.get_by_role("button", name="동의하고 인증 요청 받기").click()

    def begin(self, person: Someone, purpose: str = TREND, app: str = "카카오톡") -> None:
        """From the empty form to the wait for the phone."""
        self.open()
        self.fill_in(person, purpose, app)
        self.submit()
        self.expect_asked()

    def expect_asked(self) -> None:
        expect(self.page.get_by_role("heading", name="휴대폰을 확인해 주세요")).to_be_visible()

    def expect_results(self, path: str = "/results-trend") -> None:
        self.page.wait_for_url(f"**{path}?**", timeout=30_000)
        expect(self.page.locator("#content")).to_be_visible(timeout=20_000)

    def open_group(self, title: str) -> None:
        """Of the trend's folded groups of values."""
        self.page.locator("summary").filter(has=self.page.get_by_role("heading", name=title, exact=True)).click()

    @property
    def dialog(self) -> Any:
        return self.page.get_by_role("dialog", name=re.compile("비밀번호를 (정해|바꿔) 주세요"))

    @property
    def offer(self) -> Any:
        """The card that comes with the results, once all of them are there."""
        return self.page.get_by_role("region", name="다음에는 인증 없이 열어 보세요")

    def take_offer(self) -> None:
        expect(self.offer).to_be_visible(timeout=30_000)
        self.offer.get_by_role("button", name="비밀번호 정하기").click()
        expect(self.dialog).to_be_visible()

    def set_password(self, digits: str = "804251") -> None:
        self.take_offer()
        self.type_password(digits)
        expect(self.dialog).to_be_hidden()

    def type_password(self, digits: str) -> None:
        self.page.get_by_label("새 비밀번호").fill(digits)
        self.page.get_by_label("한 번 더").fill(digits)
        self.dialog.get_by_role("button", name=re.compile("비밀번호 정하기|이 번호로 바꾸기")).click()

    def put_password_off(self) -> None:
        expect(self.offer).to_be_visible(timeout=30_000)
        self.offer.get_by_role("button", name="나중에 할게요").click()
        expect(self.offer).to_be_hidden()

    def remembered(self, key: str) -> str | None:
        value: str | None = self.page.evaluate("key => localStorage.getItem(key)", key)
        return value

    def remembered_keys(self) -> set[str]:
        return set(self.page.evaluate("Object.keys(localStorage)"))

    def own_copies(self) -> list[dict[str, Any]]:
        """Every row in IndexedDB, as it lies there."""
        records: list[dict[str, Any]] = self.page.evaluate(_READ_DATABASE)
        return records

    def opened_copy(self, uuid: str | None) -> dict[str, Any] | None:
        """The person's own copy, as the SDK opens it for this browser."""
        record: dict[str, Any] | None = self.page.evaluate(_OPEN_COPY, uuid)
        return record
