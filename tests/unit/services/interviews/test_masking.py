"""What is taken out, what stays, and that one value has one placeholder."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.interviews.masking.masker import LONGEST_PLACEHOLDER, PatternMasker
from services.interviews.masking.spans import MaskedKind, Span, replace_spans

MASKER = PatternMasker()
HANEUL = MASKER.mask("김하늘: 네")


def masked(text, *words):
    return MASKER.mask(text, words).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # mobile numbers
        ("010-1234-5678로 주세요", "[전화1]로 주세요"),
        ("010 1234 5678", "[전화1]"),
        ("010.1234.5678", "[전화1]"),
        ("01012345678이요", "[전화1]이요"),
        ("010)1234-5678", "[전화1]"),
        ("011-123-4567", "[전화1]"),
        ("+82 10-1234-5678", "[전화1]"),
        ("０１０－１２３４－５６７８", "[전화1]"),
        ("010–1234–5678", "[전화1]"),
        ("0 1 0 1 2 3 4 5 6 7 8", "[전화1]"),
        ("공일공 일이삼사 오육칠팔이에요", "[전화1]이에요"),
        ("공일공에 일이삼사에 오육칠팔", "[전화1]"),
        ("공일공 다시 일이삼사 다시 오육칠팔", "[전화1]"),
        ("010 일이삼사 5678", "[전화1]"),
        # land lines
        ("02-123-4567", "[전화1]"),
        ("(031) 123-4567", "[전화1]"),
        ("070-1234-5678", "[전화1]"),
        ("0212345678", "[전화1]"),
        ("공이에 오오오에 일이삼사로 전화하세요", "[전화1]로 전화하세요"),
        ("공삼일 일이삼사 오육칠팔이에요", "[전화1]이에요"),
        ("공칠공 다시 일이삼사 다시 오육칠팔", "[전화1]"),
        # resident and foreigner numbers
        ("900101-1234567", "[주민번호1]"),
        ("9001011234567", "[주민번호1]"),
        ("900101 - 5234567", "[주민번호1]"),
        ("900101-1******", "[주민번호1]"),
        ("９００１０１－１２３４５６７", "[주민번호1]"),
        ("구공공일공일 다시 일이삼사오육칠", "[주민번호1]"),
        # cards
        ("1234-5678-9012-3456", "[카드1]"),
        ("1234 5678 9012 3456", "[카드1]"),
        ("4111111111111111", "[카드1]"),
        ("3782-822463-10005", "[카드1]"),
        ("카드 번호는 일이삼사 오육칠팔 구공일이 삼사오육이에요", "카드 번호는 [카드1]이에요"),
        ("일이삼사에 오육칠팔에 구공일이에 삼사오육", "[카드1]"),
        # accounts
        ("신한은행 110.123.456789", "신한은행 [계좌1]"),
        ("110 123 456789로 보냈어요", "[계좌1]로 보냈어요"),
        ("통장은 123456 04 123456이요", "통장은 [계좌1]이요"),
        ("계좌번호는 일일공 일이삼 사오육칠팔구요", "계좌번호는 [계좌1]요"),
        ("신한은행 일일공에 일이삼에 사오육칠팔구이에요", "신한은행 [계좌1]이에요"),
        ("일일공일이삼사오육칠팔구로 입금했어요", "[계좌1]로 입금했어요"),
        ("110-123-456789", "[계좌1]"),
        ("123456-04-123456", "[계좌1]"),
        ("국민은행 12345678901234로", "국민은행 [계좌1]로"),
        ("계좌번호는 1101 2345 6789 예요", "계좌번호는 [계좌1] 예요"),
        # e-mail
        ("a.b+c@mail.example.co.kr로", "[이메일1]로"),
        ("ｈａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "[이메일1]"),
        ("haneul골뱅이example점com", "[이메일1]"),
        # plates and passports
        ("12가 3456", "[차량1]"),
        ("서울 123허4567", "[차량1]"),
        ("여권은 M12345678", "여권은 [여권1]"),
        ("M123A4567", "[여권1]"),
        ("여권 M 1234 5678", "여권 [여권1]"),
        ("여권 엠 일이삼사오육칠팔", "여권 [여권1]"),
        ("여권 번호가 에스 일이삼사 오육칠팔이에요", "여권 번호가 [여권1]이에요"),
        ("여권은 엠 일이삼 에이 사오육칠", "여권은 [여권1]"),
        # names
        ("김하늘: 느려요", "[이름1]: 느려요"),
        ("[00:12] 김하늘 (여, 30대): 느려요", "[00:12] [이름1] (여, 30대): 느려요"),
        ("김솔: 네\n면접관: 왜요?\n김솔: 음", "[이름1]: 네\n면접관: 왜요?\n[이름1]: 음"),
        ("김보라미: 네\n김보라미: 음, 보라미 씨요?", "[이름1]: 네\n[이름1]: 음, [이름1] 씨요?"),
        ("Sarah: yes\nSarah: no", "[이름1]: yes\n[이름1]: no"),
        ("김하늘님이 왔다", "[이름1]님이 왔다"),
        ("이보람 씨와 박준 대리", "[이름1] 씨와 [이름2] 대리"),
        ("남궁민수 선생님", "[이름1] 선생님"),
        ("박 과장님께 물었다", "[이름1] 과장님께 물었다"),
        ("저는 김하늘입니다", "저는 [이름1]입니다"),
        ("저는 마케팅팀 김하늘이라고 해요", "저는 마케팅팀 [이름1]이라고 해요"),
        ("제 이름은 최다온이에요", "제 이름은 [이름1]이에요"),
        ("김하늘 인터뷰", "[이름1] 인터뷰"),
        ("2024-05-02 김하늘_심층인터뷰 최종", "2024-05-02 [이름1]_심층인터뷰 최종"),
        ("인터뷰_남궁민수, 면담 - 이보람", "인터뷰_[이름1], 면담 - [이름2]"),
        ("인터뷰_김하늘.docx", "인터뷰_[이름1].docx"),
        ("김하늘: 네\n진행자: 하늘 씨는요? 하늘님", "[이름1]: 네\n진행자: [이름1] 씨는요? [이름1]님"),
        ("김하늘: 네\n진행자: 그때 김하늘이 말했죠", "[이름1]: 네\n진행자: 그때 [이름1]이 말했죠"),
    ],
)
def test_what_names_a_person_is_taken_out(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-15 13:30에 주문했어요",
        "주문 번호 20240115-0001, 송장 1234567890",
        "3,000원짜리 2개, 12,345,678원",
        "1588-1234로 걸었어요",
        "버전 1.2.3.4567, 192.168.100.200",
        "은행 서버는 192.168.100.200, 2024.01.15 13:30",
        "2023 2024 2025 순서, 100 200 300000원",
        "공이 이리로 오고 사이사이 구석에 일이 삼사 개 오육 명",
        "은행에서 일이 이 일이 삼 일 사이에 구했다 오육칠팔",
        "여권 사진은 이천이십사년 삼월에, 여권 발급일 20240101",
        "101호 2024년 예산",
        "50주 1000명, 24시 3000원",
        "고객님, 여러분, 손님, 선생님, 하나님, 회원님, 사장님",
        "고객: 네\n고객: 아니요\n진행자: 왜요?\nQ: 네\nA: 아니요",
        "정리: 끝\n문제: 많다\n장점: 빠르다\n주의: 조심",
        "저는 주부입니다. 저는 공무원이에요. 저는 이용자예요.",
        "이 대표님은 전 대리였고 한 팀장이 현 부장입니다",
        "성함이 어떻게 되세요? 이름이 뭐예요?",
        "이거는 정말 조금 어려워요. 이용자 님들이 주로 최근에",
        "일이 이 일이 삼 일 사이에 구했다 오육칠팔",
        "Note: one\nhttp://example.com\nTime: 10",
        "ISBN 978-89-1234-567-8",
        "이용자 인터뷰, 배달앱 인터뷰, 고객층 인터뷰, 전문가_심층인터뷰, 인터뷰 이탈자, 상담원 대화",
    ],
)
def test_what_names_nobody_stays(text):
    assert masked(text) == text


def test_one_value_has_one_placeholder_in_whatever_spelling():
    text = "010-1234-5678, 01012345678, +82 10 1234 5678, 공일공 일이삼사 오육칠팔, 010-0000-0000"
    assert masked(text) == "[전화1], [전화1], [전화1], [전화1], [전화2]"
    text = (
        "110-123-456789, 계좌 일일공 일이삼 사오육칠팔구요, 110 123 456789로 보내, M1234-5678, 여권 엠 일이삼사오육칠팔"
    )
    assert masked(text) == "[계좌1], 계좌 [계좌1]요, [계좌1]로 보내, [여권1], 여권 [여권1]"


def test_counts_tell_how_many_values_of_each_kind():
    counts = MASKER.mask("김하늘: 010-1234-5678\n김하늘: 010-1234-5678, a@b.kr", []).counts
    assert counts == {"이름": 1, "전화": 1, "이메일": 1}


def test_the_uploader_s_own_words_go_wherever_they_stand():
    assert masked("프로젝트 X의 프로젝트  x, X", "X", "프로젝트 X", " ", "") == "[가림1]의 [가림1], [가림2]"


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("hanul.kim@hanbit.co.kr로", ["hanbit"], "[이메일1]로"),
        ("010-1234-5678, 1234", ["1234"], "[전화1], [가림1]"),
        ("900101-1234567", ["1234"], "[주민번호1]"),
        ("1234-5678-9012-3456", ["5678", "3456"], "[카드1]"),
        ("110-123-456789", ["110"], "[계좌1]"),
        ("M12345678", ["m1"], "[여권1]"),
        ("공일공 일이삼사 오육칠팔", ["일이"], "[전화1]"),
        ("김하늘님과 하늘", ["하늘"], "[이름1]님과 [가림1]"),
        ("김하늘: 네", ["김하"], "[이름1]: 네"),
        # a word covers it as a whole, or reaches beyond it
        ("김하늘님", ["김하늘"], "[가림1]님"),
        ("김하늘님", ["김하늘님"], "[가림1]"),
        ("대표 a@b.kr 귀하", ["대표 a@b.kr"], "[가림1] 귀하"),
        ("한빛 김하늘님", ["한빛 김"], "[가림1][이름1]님"),
        ("김하늘님 한빛", ["하늘님 한빛"], "[이름1][가림1]"),
        # words that overlap each other
        ("가나다라", ["가나다", "다라"], "[가림1][가림2]"),
        ("가나다라마", ["가나다라", "나다"], "[가림1]마"),
    ],
)
def test_a_word_hides_no_part_of_a_number_or_a_name_alone(text: str, words: list[str], expected: str):
    assert masked(text, *words) == expected


def test_many_words_in_a_long_text_take_no_longer_than_its_length():
    began = time.process_time()
    masked(
        "김하늘님 010-1234-5678 가나다라 " * 1_500,
        *("가나다라 김하늘님 010-1234-5678"[at : at + 4] for at in range(22)),
    )
    assert time.process_time() - began < 5


def test_words_are_no_patterns():
    assert masked("a.c abc (x", "a.c", "(x") == "[가림1] abc [가림2]"


def test_a_placeholder_that_the_text_writes_itself_is_not_used_again():
    assert masked("[이름1]이라고 적고 김하늘 씨") == "[이름1]이라고 적고 [이름2] 씨"


def test_masking_what_was_masked_changes_nothing():
    once = masked("김하늘: 010-1234-5678, 900101-1234567, a@b.kr\n이보람 씨")
    assert masked(once) == once


def test_letters_that_came_apart_are_masked_all_the_same():
    """As macOS writes the names of files."""
    text, word = (unicodedata.normalize("NFD", one) for one in ("김하늘 씨의 010-1234-5678, 하늘소프트", "하늘소프트"))
    composed = unicodedata.normalize("NFC", word)
    assert masked(text) == f"[이름1] 씨의 [전화1], {composed}"
    assert masked(text, word) == masked(text, composed) == "[이름1] 씨의 [전화1], [가림1]"
    assert masked(composed, word) == "[가림1]"
    assert MASKER.mask(unicodedata.normalize("NFD", "P03_김하늘"), after=HANEUL).text == "P03_[이름1]"


DIGITS = st.text(alphabet="0123456789", min_size=4, max_size=4)


@given(st.text(max_size=200), DIGITS, DIGITS, st.sampled_from(["-", " ", ".", ""]))
def test_a_mobile_number_never_leaves(around, middle, last, between):
    number = between.join(("010", middle, last))
    around = "".join(letter for letter in around if unicodedata.category(letter)[0] != "N")
    assert number not in masked(f"{around}\n전화 {number} 입니다\n{around}")


@given(st.text(max_size=300), st.lists(st.text(max_size=10), max_size=3))
def test_any_text_and_words_are_taken(text, words):
    result = MASKER.mask(text, words)
    assert sum(result.counts.values()) <= len(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("kind", MaskedKind)
def test_no_placeholder_is_longer_than_is_reckoned_with(kind):
    text = "가" * 12_000
    taken_out = replace_spans(text, (Span(at, at + 1, kind, str(at)) for at in range(len(text))))
    assert max(map(len, taken_out.text.split("]"))) < LONGEST_PLACEHOLDER


@pytest.mark.parametrize(
    "text",
    [
        "1" * 50_000,
        "0 " * 25_000,
        "010-" * 12_500,
        "김" * 50_000,
        "가나다님 " * 10_000,
        "저는 " * 16_000,
        "a@" * 25_000,
        "공일" * 25_000,
        "공일 " * 16_000,
        "여권 " * 16_000 + "엠일이삼",
        "11 " * 16_000,
        "계좌 12 34 " * 6_000,
        "김하늘: 네\n" * 7_000,
        "a." * 25_000,
        " " * 50_000,
        "\n".join(f"김{chr(0xAC00 + number)}하: 네" for number in range(5_000)),
    ],
    ids=range(16),
)
def test_the_longest_text_takes_no_longer_than_its_length(text):
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("화자\t시각\t발화\n황보라\t00:01\t결제가 느려요", "화자\t시각\t발화\n[이름1]\t00:01\t결제가 느려요"),
        ("시각\t이름\t내용\n1\t김솔\t네\n2\t진행자\t왜요", "시각\t이름\t내용\n1\t[이름1]\t네\n2\t진행자\t왜요"),
        ("speaker\ttext\nSarah\tyes", "speaker\ttext\n[이름1]\tyes"),
        ("1\t김하늘\t네\n2\t김하늘\t음", "1\t[이름1]\t네\n2\t[이름1]\t음"),
        ("화자\t발화\n황보라\t네\n\n나중에 황보라가 말했다", "화자\t발화\n[이름1]\t네\n\n나중에 [이름1]가 말했다"),
        # the head is that of the rows below a blank line, a subtotal, a title over the whole table, too
        ("번호\t이름\n1\t김하늘\n\n2\t박서준", "번호\t이름\n1\t[이름1]\n\n2\t[이름2]"),
        (
            "이름\t나이\n황보라\t20\n소계\n김솔\t30\n\n\n정온\t",
            "이름\t나이\n[이름1]\t20\n소계\n[이름2]\t30\n\n\n[이름3]\t",
        ),
        ("명단\t\n이름\t나이\n김솔\t30", "명단\t\n이름\t나이\n[이름1]\t30"),
        ("이름\t말\n김솔\t네\na|b|c\n정온\t음", "이름\t말\n[이름1]\t네\na|b|c\n[이름2]\t음"),
        ("|이름|말|\n|김솔|네|\n\n|정온|음|", "|이름|말|\n|[이름1]|네|\n\n|[이름2]|음|"),
        # who speaks in a cell
        ("번호\t대화\n1\t김하늘: 네 박서준 : 음", "번호\t대화\n1\t[이름1]: 네 [이름2] : 음"),
        # a second table has a head of its own, and a row that names somebody is none
        (
            "이름\t나이\n김솔\t30\n둘째\n번호\t이름\n배송비\t정온",
            "이름\t나이\n[이름1]\t30\n둘째\n번호\t이름\n배송비\t[이름2]",
        ),
        (
            "이름\t역할\n김솔\t손님\n\n박서준\t참여자\n정온\t손님",
            "이름\t역할\n[이름1]\t손님\n\n[이름2]\t참여자\n[이름3]\t손님",
        ),
        (
            "화자\t말\n김솔\t네\n\n진행자\t담당자\n정온\t그분이요",
            "화자\t말\n[이름1]\t네\n\n진행자\t담당자\n[이름2]\t[이름3]",
        ),
    ],
)
def test_who_a_table_names_is_taken_out(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "배송비\t3000\n정기권\t9900",
        "이번달\t매출\n주문일\t수량",
        "1\t이용자: 네 손님: 음 10:30",
        "이름\t화자\n진행자\t이용자",
        "이름\t나이\n진행자\t30\n한 줄\n두 줄\n세 줄\n네 줄\n다섯 줄\n여섯 줄\n배송비\t3000",
    ],
)
def test_a_table_that_names_nobody_stays(text):
    assert masked(text) == text


def test_a_title_is_masked_by_the_names_of_its_text():
    text = MASKER.mask("김철수: 네\n이서연: 010-1234-5678\n이서연: 하늘소프트", ["하늘소프트"])

    def title(given):
        return MASKER.mask(given, ["하늘소프트", "바다"], after=text).text

    assert title("P03_이서연_결제 (김철수 원본)") == "P03_[이름2]_결제 ([이름1] 원본)"
    assert title("작은김철수") == "작은김철수"
    # The same value is called the same, and another one otherwise.
    assert title("이서연 인터뷰 010 1234 5678") == "[이름2] 인터뷰 [전화1]"
    assert title("박서준 인터뷰 하늘소프트 바다 010-1111-2222") == "[이름3] 인터뷰 [가림1] [가림2] [전화2]"
    assert title(title("이서연 인터뷰")) == "[이름2] 인터뷰"


@pytest.mark.parametrize(
    ("known", "text", "expected"),
    [
        ("김철 씨", "김철수 씨와 김철 씨는요?", "[이름2] 씨와 [이름1] 씨는요?"),
        ("김철 씨", "김철은 뭐래요?", "[이름1]은 뭐래요?"),
        ("한솔 씨", "한솔아파트에 살아요", "한솔아파트에 살아요"),
        ("김하늘 씨", "김하늘이라고 했어요", "[이름1]이라고 했어요"),
        # What is recognised here may be a part of a known one, too.
        ("김철수 씨", "김철: 네\n김철: 음\n김철수가요", "[이름2]: 네\n[이름2]: 음\n[이름1]가요"),
        ("Sarah Kim: a\nSarah Kim: b", "Kim: a\nKim: b\nSarah Kim", "[이름2]: a\n[이름2]: b\n[이름1]"),
    ],
)
def test_a_known_name_is_no_part_of_another(known: str, text: str, expected: str):
    assert MASKER.mask(text, after=MASKER.mask(known)).text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("김하늘 00:12\n느려요", "[이름1] 00:12\n느려요"),
        ("김하늘 (00:12:30)\n느려요", "[이름1] (00:12:30)\n느려요"),
        ("<v 김하늘>느려요</v>", "<v [이름1]>느려요</v>"),
        ("<v.loud 김하늘>느려요", "<v.loud [이름1]>느려요"),
        ("**김하늘**: 느려요", "**[이름1]**: 느려요"),
        ("[김하늘] 네\n[진행자] 왜요\n[김하늘] 음", "[[이름1]] 네\n[진행자] 왜요\n[[이름1]] 음"),
        ("김하늘 - 네\n진행자 - 왜요\n김하늘 - 음", "[이름1] - 네\n진행자 - 왜요\n[이름1] - 음"),
        ("김하늘\n네\n\n진행자\n왜요?\n\n김하늘\n음", "[이름1]\n네\n\n진행자\n왜요?\n\n[이름1]\n음"),
        ("| 화자 | 발화 |\n|---|---|\n| 황보라 | 네 |", "| 화자 | 발화 |\n|---|---|\n| [이름1] | 네 |"),
    ],
)
def test_a_speaker_is_known_in_whatever_form_a_script_has(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "주문일 - 결제일\n이벤트 - 없음",
        "[이벤트] 안내\n[공지] 없음",
        "그래요\n고마워\n하세요",
        "회의 10:30\n점심 12:00",
        "배송비 | 3000",
    ],
)
def test_what_only_looks_like_a_speaker_stays(text):
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"speaker": "황보라", "text": "네"}\n{"speaker":"진행자"}',
            '{"speaker": "[이름1]", "text": "네"}\n{"speaker":"진행자"}',
        ),
        ("2026-11-28 info {'Name': 'Sarah'} 끝", "2026-11-28 info {'Name': '[이름1]'} 끝"),
        ('[{"화자" : "김솔 님", "말": "김솔은', '[{"화자" : "[이름1] 님", "말": "[이름1]은'),
        ('{"log": "{\\"speaker\\": \\"황보라\\", ', '{"log": "{\\"speaker\\": \\"[이름1]\\", '),
        (r'"\\\"이름\\\":\\\"황보라\\\"', r'"\\\"이름\\\":\\\"[이름1]\\\"'),
    ],
)
def test_who_a_record_names_is_taken_out(text, expected):
    assert masked(text) == expected


def test_a_record_that_names_nobody_stays():
    text = '{"title": "황보라색", "speaker": "진행자", "이름": "", "name": "v1"}'
    assert masked(text) == text
