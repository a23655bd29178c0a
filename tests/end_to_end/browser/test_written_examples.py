"""The documents' examples in JavaScript run as they stand, in a page of the product."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from dev.local.programs import ROOT
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.driving import Visitor
from tests.waiting import wait_until

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What an example takes for granted: names of the page that it is part of. Each call of a function is noted as `told`.
_RUN = """async (given) => {
    globalThis.told = [];
    const noted = (name) => (...facts) => void told.push([name, ...facts]);
    const page = { ...given.values, ...Object.fromEntries(given.functions.map((name) => [name, noted(name)])) };
    page.isTicked = () => true;
    page.signal = new AbortController().signal;
    page.file = new File(["진행자: 배달 앱은 언제 쓰세요?\\n김하늘: 퇴근길에 써요."], "a.txt", { type: "text/plain" });
    globalThis.NDEFReader = class {
        async scan() {
            setTimeout(() => this.onreading({ serialNumber: "04:10:00:00:00:00:01", message: { records: [] } }));
        }
    };
    const { NAMES } = page;
    const run = async () => { EXAMPLE };
    return run().then(() => null, ({ code, message }) => code ?? message);
}"""
# A demo's person, whom the sandbox has approve by herself.
PERSON = {
    "user_name": "윤슬기",
    "phone_no": "01000000007",
    "birthdate": "19880808",
    "gender": "F",
    "private_auth_type": "0",
    "redirect_path": "/results-trend",
    "consents": ["service", "collection", "sensitive", "third_party_tilko"],
}


def examples(document: Path) -> list[str]:
    return re.findall(r"^```js\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def example_with(document: str, word: str) -> str:
    [found] = [text for text in examples(ROOT / document) if word in text]
    return re.sub(r'^import (\{[^}]*\}) from ("[^"]*");', r"const \1 = await import(\2);", found, flags=re.MULTILINE)


def run(page: Page, example: str, functions: list[str], **values: Any) -> str | None:
    """The code of what it failed with, or None."""
    names = ", ".join(("isTicked", "signal", "file", *functions, *values))
    source = _RUN.replace("NAMES", names).replace("EXAMPLE", f"\n{example}\n")
    failed: str | None = page.evaluate(source, {"functions": functions, "values": values})
    return failed


def wait_for_told(page: Page, what: str) -> None:
    wait_until(lambda: page.evaluate(what), 90, every=0.1)


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    return new_visitor()


@pytest.mark.parametrize(
    ("document", "functions"),
    [("README.md", ["show"]), ("docs/integration.md", ["show", "showConnection", "showStatus"])],
)
def test_a_collection_is_followed_to_its_end(visitor: Visitor, document: str, functions: list[str]) -> None:
    visitor.open("/nowhere")
    assert run(visitor.page, example_with(document, "startSession"), functions, person=PERSON) is None
    wait_for_told(visitor.page, "told.some(([name, event]) => name === 'show' && event.status === 'completed')")


def test_a_patient_scans_and_signs_in(visitor: Visitor, password: str) -> None:
    """At the demo's hospital, of which test_journey.py, before this, looks at every step that was taken."""
    assert password
    visitor.open("/nowhere")
    failed = run(visitor.page, example_with("docs/integration.md", "PatientJourney"), ["draw", "cryOut"])
    assert failed is None
    wait_for_told(visitor.page, "told.some(([name]) => name === 'draw')")


def test_a_members_upload_comes_into_the_list(visitor: Visitor, password: str) -> None:
    visitor.open("/nowhere")
    functions = ["askToSignIn", "draw", "showToast", "showConnection", "drawMessages"]
    example = example_with("docs/integration.md", "InterviewFeed")
    failed = run(visitor.page, example, functions, password=password, title="예제", personaId="nobody")
    assert failed == "PERSONA_NOT_FOUND"
    wait_for_told(visitor.page, "told.some(([name]) => name === 'draw')")


def test_every_example_in_javascript_is_run_here() -> None:
    """But that of the threads, which needs the page's own policy, and whose steps tests/js runs one by one."""
    there = [(path.name, text) for path in DOCUMENTS for text in examples(path) if path.name != "threads.md"]
    words = ("startSession", "PatientJourney", "InterviewFeed")
    ran = [("README.md", "startSession"), *(("integration.md", word) for word in words)]
    assert len(there) == len(ran)
    assert all(any(name == document and word in text for document, word in ran) for name, text in there)
