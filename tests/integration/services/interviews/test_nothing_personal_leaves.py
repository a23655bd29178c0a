"""From a file to MISO's door: what the provider has received is searched for the people in the file."""

import re
import signal
import subprocess
import sys

import httpx
import pytest
from docx import Document

from services.interviews.extraction.kinds import FileKind
from services.interviews.extraction.reading import extract_text
from services.interviews.masking.masker import PatternMasker
from tests.integration.services.interviews.documents import saved
from tests.plain_http import NO_TLS
from upstream.miso.workflows import MisoWorkflows

CANARIES = ("카나리", "김카나리", "5678", "9001", "canary", "비밀 프로젝트")
LINES = (
    "진행자: 성함과 연락처를 알려 주세요.",
    "김카나리: 저는 김카나리이고 번호는 010-1234-5678, 공일공 일이삼사 오육칠팔이에요.",
    "진행자: 카나리 님, 비밀 프로젝트에서 무엇이 불편했나요?",
    "김카나리: 주민번호 900101-1234567과 canary@example.com을 매번 넣어야 해서 답답했어요.",
)


@pytest.fixture
def sandbox():
    command = [sys.executable, "-m", "dev.sandbox", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield re.search(r"http://\S+", process.stdout.readline())[0]
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    process.stdout.close()


def make_file():
    document = Document()
    for line in LINES:
        document.add_paragraph(line)
    return saved(document)


def test_no_canary_is_in_what_miso_received(sandbox):
    text = extract_text(FileKind.DOCX, [make_file()], max_characters=50_000)
    masked = PatternMasker().mask(text, ["비밀 프로젝트"]).text
    workflows = MisoWorkflows(sandbox, "sandbox-miso-key")
    inputs = {"context": masked, "preprocess_type": "interview"}
    answer = workflows.run(inputs, "iv-1-1-abc", ["cleaned_script", "primary_pain_points"])
    workflows.close()
    with httpx.Client(base_url=sandbox, verify=NO_TLS) as control:
        for canary in CANARIES:
            assert control.get("/control/miso/calls", params={"match": canary}).json()["calls"] == [], canary
        assert len(control.get("/control/miso/calls", params={"match": "불편했나요"}).json()["calls"]) == 1
    assert {line["speaker"] for line in answer.outputs["cleaned_script"]} == {"진행자", "[이름1]"}
