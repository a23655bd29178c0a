"""That a text is masked in whatever blanks, line ends, widths and unseen characters it is written."""

import time
import unicodedata

import pytest

from services.interviews.extraction.decoding import clean_text
from services.interviews.masking.masker import PatternMasker

MASKER = PatternMasker()


def masked(text, *words):
    return MASKER.mask(text, words).text


BLANKS = "\u00a0\u1680\u2002\u2003\u2009\u200a\u202f\u205f\u3000\u2800\u3164\uffa0"


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("김하늘 씨의 010 1234 5678", "[이름1] 씨의 [전화1]"),
        (" 김하늘 : 네", " [이름1] : 네"),
        ("저는 김하늘입니다", "저는 [이름1]입니다"),
        ("제 이름은 김솔", "제 이름은 [이름1]"),
        ("박 과장님께", "[이름1] 과장님께"),
        ("김하늘 00:12", "[이름1] 00:12"),
        ("김하늘 - 네\n김하늘 - 음", "[이름1] - 네\n[이름1] - 음"),
        ("Sarah Kim: a\nSarah Kim: b", "[이름1]: a\n[이름1]: b"),
        ("화자\t말\n 황보라 \t네", "화자\t말\n [이름1] \t네"),
        ('{"화자" : "김솔 님"}', '{"화자" : "[이름1] 님"}'),
        ("신한은행 110 123 456789", "신한은행 [계좌1]"),
        ("900101 1234567", "[주민번호1]"),
        ("12가 3456", "[차량1]"),
        ("여권은 M 1234 5678", "여권은 [여권1]"),
        ("하늘 소프트", "[가림1]"),
    ],
)
def test_a_blank_of_whatever_width_is_a_blank(blank: str, text: str, expected: str):
    assert masked(text.replace(" ", blank), "하늘 소프트") == expected.replace(" ", blank)


@pytest.mark.parametrize("end", "\r\v\f\x85\u2028\u2029")
def test_a_line_ends_by_whatever_sign(end: str):
    assert masked(f"네{end}김하늘: 네") == f"네{end}[이름1]: 네"
    assert masked(f"이름\t말{end}황보라\t네") == f"이름\t말{end}[이름1]\t네"


@pytest.mark.parametrize("end", ["\r\n", *"\r\v\f\x85"])
def test_a_file_s_line_ends_are_kept_as_one_sign(end: str):
    assert masked(clean_text(f"네{end}김하늘: 네")) == "네\n[이름1]: 네"


def test_full_width_signs_are_plain_ones():
    assert masked("［김하늘］ 네\n［김하늘］ 음") == "［[이름1]］ 네\n［[이름1]］ 음"
    assert masked("ＡＢ소프트와 ab소프트", "ab소프트") == "[가림1]와 [가림1]"
    assert masked("Ｓａｒａｈ： a\nSarah: b") == "[이름1]： a\n[이름1]: b"


UNSEEN = (
    *"\x01\x1f\x7f\x80\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u202a\u202e\u2060\u2061\u2064",
    *"\u2066\u2069\u206a\ufe00\ufe0f\ufeff\ufff9\ufffc\U000e0001\U000e0041\U000e0100\U000e01ef",
    "\u200d\u200d",
    "\ufe0f\u200d",
    "\u200d\ufe0f",
    "\U000e0041\U000e0042\u200d",
    "\u2066\u200d\u2069",
)


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_nobody_sees_hides_nobody(unseen: str):
    text = f"김{unseen}하늘 씨의 010{unseen}-1234-56{unseen}78, 하늘{unseen}소프트"
    assert masked(text, f"하늘소{unseen}프트") == "[이름1] 씨의 [전화1], [가림1]"
    assert MASKER.mask(f"P03_김{unseen}하늘", after=MASKER.mask("김하늘: 네")).text == "P03_[이름1]"


def test_letters_that_the_unseen_keep_apart_are_whole_ones():
    apart = "\u200b".join(unicodedata.normalize("NFD", "김하늘"))
    assert masked(f"{apart} 씨") == "[이름1] 씨"


@pytest.mark.parametrize(
    "emoji", ["👩\u200d⚕️", "👨\u200d👩\u200d👧", "❤️\u200d🔥", "1️⃣", "🏴\U000e0067\U000e0062\U000e007f", "👍🏽", "☎️"]
)
def test_emoji_stay_as_they_are(emoji: str):
    assert masked(f"{emoji} 선생님") == f"{emoji} 선생님"
    assert masked(f"{emoji}김하늘 씨{emoji}") == f"{emoji}[이름1] 씨{emoji}"


@pytest.mark.parametrize("unseen", ["\u200d", "\ufe0f", "\U000e0041", "\ufe0f\u200d"])
def test_the_longest_text_of_the_unseen_takes_no_longer_than_its_length(unseen: str):
    began = time.process_time()
    assert masked(unseen * 50_000) == ""
    assert time.process_time() - began < 5
