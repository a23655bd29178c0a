"""The examples of docs/examples, and those of the shell in the documents, as they stand, before the real product."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from dev.local.programs import ROOT
from tests.chromium import FLAGS
from tests.end_to_end.person import Person
from tests.end_to_end.product import Product

EXAMPLES = ROOT / "docs" / "examples"
SECONDS = 60
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SERVED = "http://127.0.0.1:8000"


def shell_examples(document: Path) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)


def run_and_approve(person: Person, command: Sequence[str], env: Mapping[str, str]) -> str:
    """What it printed, with the person's approval on the phone while it runs."""
    started = subprocess.Popen(
        command, env={"PATH": os.environ["PATH"], **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        person.provider.approve(person.provider.cx_id_of(person.phone_no))
        printed, _ = started.communicate(timeout=SECONDS)
    finally:
        started.kill()
    assert started.returncode == 0, printed
    return printed


def test_the_python_example_collects(product: Product):
    person = product.meet().is_known_with()
    options = {"url": product.web_url, "name": person.user_name, "birthdate": person.birthdate}
    options |= {"phone": person.phone_no, "gender": person.gender}
    asked = [part for name, value in options.items() for part in (f"--{name}", value)]
    printed = run_and_approve(person, [sys.executable, str(EXAMPLES / "collect.py"), *asked], {})
    assert "completed  모든 기록을 안전하게 저장했어요." in printed
    assert printed.count("privacy@welno.example") == 8  # twice in each text but that of the report
    assert printed.endswith("checkups: 3\nprescriptions: 6\n")


def test_the_python_example_says_what_the_api_says(product: Product):
    options = ["--url", product.web_url, "--name", "한", "--birthdate", "1984", "--phone", "1", "--gender", "F"]
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "collect.py"), *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 1
    assert "VALIDATION_FAILED" in done.stderr


def test_the_curl_example_collects(product: Product):
    person = product.meet().is_known_with()
    env = {"URL": product.web_url, "NAME": person.user_name, "BIRTHDATE": person.birthdate}
    printed = run_and_approve(
        person, [str(EXAMPLES / "collect.sh")], env | {"PHONE": person.phone_no, "GENDER": person.gender}
    )
    assert "모든 기록을 안전하게 저장했어요." in printed
    assert printed.endswith("checkups: 3\nprescriptions: 6\n")


def test_the_page_of_another_site_collects(product: Product, chromium_program: str):
    """The product lists its own two names as origins; the page comes from the one, and asks the other."""
    person = product.meet().is_known_with()
    elsewhere = product.web_url.replace("127.0.0.1", "localhost")
    with sync_playwright() as playwright:
        # A page that no server has sent counts as one of a public site, which may not ask this machine.
        flags = (*FLAGS[:-1], f"{FLAGS[-1]},LocalNetworkAccessChecks")
        browser = playwright.chromium.launch(executable_path=chromium_program, args=list(flags))
        page = browser.new_page(viewport={"width": 375, "height": 800})
        address = f"{elsewhere}/collect.html?server={product.web_url}"
        page.route(address, lambda route: route.fulfill(path=EXAMPLES / "collect.html"))
        page.goto(address)
        expect(page.get_by_role("button")).to_be_enabled(timeout=SECONDS * 1000)
        for name in ("user_name", "birthdate", "phone_no"):
            page.locator(f"[name={name}]").fill(getattr(person, name))
        expect(page.locator("#consents input")).to_have_count(4)  # without that of the report
        words = page.locator("#consents details")
        expect(words).to_have_count(4)
        for box, text in zip(page.locator("#consents input").all(), words.all(), strict=True):
            text.locator("summary").click()
            expect(text).to_contain_text("privacy@welno.example")
            box.check()
        page.get_by_role("button").click()
        expect(page.locator("#steps li").first).to_be_visible(timeout=SECONDS * 1000)
        person.provider.approve(person.provider.cx_id_of(person.phone_no))
        expect(page.locator("#end")).to_have_text("건강검진 기록 3건을 모았어요.", timeout=SECONDS * 1000)
        assert page.context.cookies() == []
        browser.close()


@pytest.mark.parametrize("document", ["README.md", "docs/integration.md"])
def test_the_shell_examples_of_a_document_collect(product: Product, tmp_path: Path, document: str):
    """As they stand, but for the address; who is collected approves by herself."""
    [example] = [text for text in shell_examples(ROOT / document) if "curl" in text]
    assert SERVED in example
    (tmp_path / "example.sh").write_text(example.replace(SERVED, product.web_url))
    done = subprocess.run(
        ["bash", "-eu", "example.sh"], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=100
    )
    assert "모든 기록을 안전하게 저장했어요." in done.stdout, done.stdout + done.stderr
    assert done.returncode in {0, 28}  # the stream is left after a minute
    assert ('"collected_at":' in done.stdout) == ("checkups?" in example)


def test_every_other_shell_example_is_a_command_that_there_is():
    texts = [text for document in DOCUMENTS for text in shell_examples(document) if "curl" not in text]
    commands = [line.split("#")[0].split() for text in texts for line in text.strip().splitlines()]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert commands
    assert [words for words in commands if words[0] != "make" or words[1] not in targets] == []
