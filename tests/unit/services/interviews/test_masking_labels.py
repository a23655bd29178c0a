"""Who is named by labels, by the block at a script's head, and by a family name that stands apart."""

import time

import pytest

from services.interviews.masking.masker import PatternMasker

MASKER = PatternMasker()


def masked(text, *words):
    return MASKER.mask(text, words).text


@pytest.mark.parametrize(
    "label",
    [
        "1. {}",
        "1) {}",
        "(12) {}",
        "[1] {}",
        "12 {}",
        "3번 {}",
        "① {}",
        "• {}",
        "- {}",
        "– {}",
        "■ {}",
        "P1 {}",
        "P-01. {}",
        "A {}",
        "Q({})",
        "Q. {}",
        "응답자 {}",
        "응답자1 {}",
        "참여자 A {}",
        "응답자({})",
        "고객 / {}",
        "고객_{}",
        "참여자{}",
        "00:12 고객 {}",
        "1. [00:12] P1 {}",
        "[{}]",
        "({})",
        "「{}」",
        "【{}】",
        '"{}"',
        "({}, 34세)",
        "{} 고객",
        "{}고객",
        "{}(고객)",
        "{} 님 (고객)",
        "{} [00:12]",
        "{}1",
    ],
)
def test_a_name_is_found_in_a_label_however_it_is_written(label: str):
    assert masked(f"{label.format('김하늘')}: 안녕") == f"{label.format('[이름1]')}: 안녕"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("김 하늘: 네", "[이름1]: 네"),
        ("남궁 민수: 네", "[이름1]: 네"),
        ("이 하늘: 네\n이 하늘: 음", "[이름1]: 네\n[이름1]: 음"),
        ("저는 김 영희입니다", "저는 [이름1]입니다"),
        ("저는 영업팀 박 영희예요", "저는 영업팀 [이름1]예요"),
        ("저는 이 영희라고 합니다", "저는 [이름1]라고 합니다"),
        ("제 이름은 이 영희입니다", "제 이름은 [이름1]입니다"),
        ("김 영희 씨가", "[이름1] 씨가"),
        ("이 영희 씨가", "[이름1] 씨가"),
        ("박 영희님, 황보 영희 대리", "[이름1]님, [이름2] 대리"),
        ("김 하 늘: 네\n성 명 : 이 보 람", "[이름1]: 네\n성 명 : [이름2]"),
        # the same person in either spelling
        ("김하늘: 네\n김 하늘 씨, 김 하늘이 그랬다", "[이름1]: 네\n[이름1] 씨, [이름1]이 그랬다"),
        ("김 하늘: 네\n김하늘이 그랬다", "[이름1]: 네\n[이름1]이 그랬다"),
    ],
)
def test_a_family_name_may_stand_apart(text: str, expected: str):
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("이름: 김하늘", "이름: [이름1]"),
        ("성명 : 김하늘", "성명 : [이름1]"),
        ("성 명 : 김솔", "성 명 : [이름1]"),
        ("- 성명(한글): 이 솔비 / 나이: 30", "- 성명(한글): [이름1] / 나이: 30"),
        ("성함 - 김하늘 (34세, 여)", "성함 - [이름1] (34세, 여)"),
        ("고객명: 김하늘  연락처: 없음", "고객명: [이름1]  연락처: 없음"),
        ("참여자 이름: Sarah Kim", "참여자 이름: [이름1]"),
        ("참여자: 김하늘", "참여자: [이름1]"),
        ("1. 참여자 1: 김하늘 님", "1. 참여자 1: [이름1] 님"),
        ("인터뷰 대상: 김하늘(34세), 박 서준", "인터뷰 대상: [이름1](34세), [이름2]"),
        ("진행자: 김하늘\n진행자: 네, 시작할게요", "진행자: [이름1]\n진행자: 네, 시작할게요"),
        ("1. 성명: 김하늘 2. 나이: 30", "1. 성명: [이름1] 2. 나이: 30"),
        ("이름\t김하늘", "이름\t[이름1]"),
        ("성 명\t김하늘\t나이\t30", "성 명\t[이름1]\t나이\t30"),
        ("| 이름 | 김하늘 |", "| 이름 | [이름1] |"),
        ("고객명\t번호\n황보라\t1", "고객명\t번호\n[이름1]\t1"),
        ('{"성 명": "황보라"}', '{"성 명": "[이름1]"}'),
    ],
)
def test_whom_a_head_names_is_taken_out(text: str, expected: str):
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("김하늘  씨가", "[이름1]  씨가"),
        ("김하늘: 네\n하늘  씨", "[이름1]: 네\n[이름1]  씨"),
        ("김하늘 고객님이 그랬어요", "[이름1] 고객님이 그랬어요"),
        ("김하늘 환자분, 이보람 어머니", "[이름1] 환자분, [이름2] 어머니"),
        ("저 김하늘인데요", "저 [이름1]인데요"),
        ("저는 김하늘이라는 사람이고", "저는 [이름1]이라는 사람이고"),
        ("이름이 김하늘이거든요", "이름이 [이름1]이거든요"),
    ],
)
def test_a_name_is_found_by_what_stands_around_it(text: str, expected: str):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "follows", ["이라고", "한테는", "에게는", "에게서도", "께서는", "이었대요", "이에요", "이한테도"]
)
def test_a_name_of_two_syllables_is_known_before_long_particles(follows: str):
    assert masked(f"김솔: 네\n김솔: 그때 김솔{follows}") == f"[이름1]: 네\n[이름1]: 그때 [이름1]{follows}"


@pytest.mark.parametrize(
    "text",
    [
        "1. 배송비: 3000\n2. 이벤트: 없음\n- 정확도: 3%\n• 편의성: 좋다",
        "고객 이탈률: 3%\n사용자 만족도: 5\n직원 수: 3\n직원 수: 4\n신규고객: 1\n신규고객: 2",
        "이 제품: 좋다\n이 제품: 나쁘다\n전 직원: 3명\n한 사람: 3",
        "참여자: 네, 그래요\n참여자: 정말로\n참여자: 안돼요\n응답자: 이거는 좀\n응답자: 이용자",
        "이름: 미정\n이름: 정하기 어려워요\n담당자: 없음\n고객명: 없음\nname: build",
        "이 아저씨가, 이 아가씨, 이 솜씨와 이 날씨, 이 고객 님",
        "저는 이 제품입니다. 저는 전 직원입니다. 저는 이 제품이라고 봐요",
        "[주민번호1]: 1\n[주민번호1]: 2\n[차량1]: 1\n[차량1]: 2",
        "이름\t연락처\n나이\t이메일",
        "소중한 고객님, 우수 고객님, 장기 회원님, 어린이 환자분, 최우수 고객님",
        "먼저 주문이고 저 이유인데요. 저는 우울하거든요. 저는 이거든요",
    ],
)
def test_what_only_looks_like_a_name_there_stays(text: str):
    assert masked(text) == text


def test_a_name_of_two_syllables_is_no_part_of_a_word():
    assert masked("한솔: 네\n한솔: 한솔아파트요") == "[이름1]: 네\n[이름1]: 한솔아파트요"


@pytest.mark.parametrize(
    "text",
    [
        "- " * 25_000,
        "1. " * 16_000,
        "P1 " * 16_000,
        "응답자 " * 12_500,
        "1 P1 고객\n" * 6_000,
        "[" * 50_000,
        "Q(" * 25_000,
        "김 하늘 " * 10_000,
        "김하늘 고객\n" * 7_000,
        "김 하 늘 " * 8_000,
        "저 " * 25_000,
        "김하늘" + " " * 50_000,
        "이름: " * 12_500,
        "이름: 김하늘, " * 5_000,
        "이름: " + "김하늘, " * 10_000,
        "참여자: 김하늘, 박서준, 이보람 (30\n" * 2_000,
        "저는 가 나 다 라 " * 5_000,
        "이름\t" * 12_500,
        "이름 - " + " " * 50_000,
        "\n".join(f"김 {chr(0xAC00 + number)}하: 네" for number in range(5_000)),
    ],
    ids=range(20),
)
def test_the_longest_text_takes_no_longer_than_its_length(text: str):
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 5
