"""The made corpus, and what the masker must reach on it: figures may get better, not worse."""

import pytest

from dev.bench.masking.__main__ import judge_kind, judge_plain, secret_is_gone
from dev.bench.masking.corpus import Utterance, make_corpus
from services.interviews.masking.masker import PatternMasker

SIZE = 60


@pytest.fixture(scope="module")
def judged():
    corpus = make_corpus(3, SIZE)
    return corpus, [PatternMasker().mask(utterance.text).text for utterance in corpus]


@pytest.mark.parametrize(
    "kind",
    [
        *("mobile", "mobile_spoken", "land_line", "land_line_spoken", "resident_number", "card", "card_spoken"),
        *("account", "account_spoken_or_in_groups", "email", "plate", "passport", "passport_spoken_or_in_groups"),
    ],
)
def test_no_number_is_missed(judged, kind):
    assert judge_kind(kind, *judged) == {"utterances": SIZE, "recall_percent": 100}


@pytest.mark.parametrize("kind", ["name_as_label", "name_with_title", "name_introduced"])
def test_nearly_every_announced_name_is_found(judged, kind):
    assert judge_kind(kind, *judged)["recall_percent"] >= 90


def test_plain_utterances_hardly_lose_a_word(judged):
    assert judge_plain(*judged)["false_alarms_per_1000"] <= 60


def test_what_is_taken_out_in_part_is_not_taken_out():
    utterance = Utterance("mobile", "010-1234-5678 이요", "010-1234-5678")
    assert secret_is_gone(utterance, "[전화1] 이요")
    assert not secret_is_gone(utterance, "[전화1]-5678 이요")


def test_the_same_seed_makes_the_same_corpus():
    assert make_corpus(5, 2) == make_corpus(5, 2) != make_corpus(6, 2)
