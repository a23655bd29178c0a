"""The texts that people agree to: what they say, and that none changes once it was published."""

import hashlib
from dataclasses import replace

import pytest

from core.settings import Settings
from models.patients import ConsentKind
from services.patients.consent_texts import FOLDER, ConsentTexts, read_consent_texts
from tests.unit.guards.test_names import ENVIRONMENT

SETTINGS = Settings.read(
    ENVIRONMENT | {"WELNO_CONTROLLER": "한빛건강", "WELNO_CONTROLLER_CONTACT": "privacy@hanbit.example"}
)
# A change is a new file with the next number, and a line here.
PUBLISHED = {
    "collection.1.txt": "22b8c696377834a0eb84b2f99b9a8f9cb22e06c6c77e6489e8769dcdd81a3e61",
    "sensitive.1.txt": "ee81f69f23435453b1a8977bdbf368263643a01aa6e0a3d80e7fa86848f07d97",
    "service.1.txt": "abf78fe4e9ea7c266a1afa41eaf71c52a49b225d24248cdd61391a183de5bd59",
    "third_party_mediarc.1.txt": "7e604be72da5e71cbf852e6a90e10a6a6a05fd7e06dfba9dfe46e182b610a063",
    "third_party_tilko.1.txt": "fbc138848e89bfa17a71c288191784960fdeb8bc86a904f9d45967f78e20b422",
}


@pytest.fixture(scope="module")
def texts() -> ConsentTexts:
    return read_consent_texts(SETTINGS)


def test_what_was_published_is_never_changed():
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()}
    assert found == PUBLISHED


def test_every_kind_has_a_text_in_the_order_in_which_it_is_asked_for(texts: ConsentTexts):
    assert list(texts) == list(ConsentKind)


@pytest.mark.parametrize("kind", ConsentKind)
def test_a_text_says_who_how_long_and_how_to_withdraw(texts: ConsentTexts, kind: ConsentKind):
    text = texts[kind].text
    assert "한빛건강" in text
    assert "365일" in text
    assert "철회" in text
    assert text.count("privacy@hanbit.example") >= 2
    assert "거부할 권리: " in text


@pytest.mark.parametrize("kind", [ConsentKind.COLLECTION, ConsentKind.SENSITIVE])
def test_a_collecting_text_says_what_and_why(texts: ConsentTexts, kind: ConsentKind):
    assert {"항목", "목적", "기간"} <= dict(texts[kind].points).keys()


@pytest.mark.parametrize(
    ("kind", "recipients"),
    [
        (ConsentKind.THIRD_PARTY_TILKO, ("틸코", "인증 앱", "국민건강보험공단")),
        (ConsentKind.THIRD_PARTY_MEDIARC, ("메디아크",)),
    ],
)
def test_a_text_names_each_recipient_with_its_retention(
    texts: ConsentTexts, kind: ConsentKind, recipients: tuple[str, ...]
):
    sentence = dict(texts[kind].points)["받는 곳과 보관 기간"]
    assert [name for name in recipients if name not in sentence] == []
    assert "까지 보관해요" in sentence


def test_a_text_names_the_retention_that_is_set():
    """Days of a consent and of files come from the settings; what is kept of records goes with the person."""
    settings = ENVIRONMENT | {"WELNO_CONSENT_VALID_DAYS": "200", "WELNO_COMPLETED_KEEP_DAYS": "45"}
    texts = read_consent_texts(Settings.read(settings))
    assert [kind for kind, text in texts.items() if "200일" not in text.text] == []
    kept = dict(texts[ConsentKind.SENSITIVE].points)["기간"]
    assert "원본 파일은 저장한 뒤 45일" in kept
    assert "정리한 기록은 삭제를 요청할 때까지" in kept


def test_the_hash_is_of_the_text_as_it_is_shown(texts: ConsentTexts):
    shown = texts[ConsentKind.SERVICE]
    assert shown.sha256 == hashlib.sha256(shown.text.encode()).hexdigest()
    assert replace(shown, text=f"{shown.text} ").sha256 != shown.sha256


def test_what_is_shown_point_by_point_is_the_whole_text(texts: ConsentTexts):
    for text in texts.values():
        points = [f"{heading}: {sentence}" for heading, sentence in text.points]
        assert text.text == "\n".join([text.title, "", *points])
