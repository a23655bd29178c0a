"""That a text is masked in whatever blanks, line ends, widths and unseen characters it is written."""

import pytest

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


def test_full_width_signs_are_plain_ones():
    assert masked("［김하늘］ 네\n［김하늘］ 음") == "［[이름1]］ 네\n［[이름1]］ 음"
    assert masked("ＡＢ소프트와 ab소프트", "ab소프트") == "[가림1]와 [가림1]"
    assert masked("Ｓａｒａｈ： a\nSarah: b") == "[이름1]： a\n[이름1]: b"
