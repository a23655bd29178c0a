"""Numbers and addresses in everyday forms: without their noughts, from abroad, broken over a line, with other signs."""

import time

import pytest

from services.interviews.extraction.records import read_json_records
from services.interviews.masking.masker import PatternMasker

MASKER = PatternMasker()


def masked(text, *words):
    return MASKER.mask(text, words).text


@pytest.mark.parametrize(
    "number",
    [
        "+82-2-123-4567",
        "+82 2 1234 5678",
        "+82 31-123-4567",
        "+82 70 1234 5678",
        "+82 (0)2 123 4567",
        "82-2-123-4567",
        "0082-10-1234-5678",
        "0507 1234 5678",
        "0507-1234-5678",
        "050712345678",
        "0504)1234-5678",
        "02 12345678",
        "(02) 1234567",
        "031 1234567",
        "070 12345678",
        # over a line's end
        "010-1234-\n5678",
        "010-\n1234-5678",
        "010-1234\n-5678",
        "010 1234\n5678",
        "공일공 일이삼사\n오육칠팔",
        "02-123-\n4567",
        # signs
        "010/1234/5678",
        "010_1234_5678",
        "010・1234・5678",
        "010･1234･5678",
        "010•1234•5678",
        "010‧1234⋅5678",
        "02/123/4567",
    ],
)
def test_a_phone_number_is_found_however_it_is_written(number: str):
    assert masked(f"그게 {number}이요") == "그게 [전화1]이요"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("900101-\n1234567", "[주민번호1]"),
        ("900101/1234567", "[주민번호1]"),
        ("900101•1234567", "[주민번호1]"),
        ("구공공일공일에 일이삼사오육칠", "[주민번호1]"),
        ("구공공일공일의 일이삼사오육칠", "[주민번호1]"),
        ("1234/5678/9012/3456", "[카드1]"),
        ("1234_5678_9012_3456", "[카드1]"),
        ("1234-5678-\n9012-3456", "[카드1]"),
        ("3782/822463/10005", "[카드1]"),
        ("110-123-\n456789", "[계좌1]"),
    ],
)
def test_signs_and_line_ends_part_other_numbers_too(text: str, expected: str):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "address",
    [
        "kim@mail.163.com",
        "kim@한국.kr",
        "kim@메일.한국",
        "kim@naver。com",
        "kim@naver｡com",
        "kim[at]naver.com",
        "kim (at) naver (dot) com",
        "kim{@}naver.com",
        "kim @ naver . com",
        "kim@naver.\ncom",
        "kim@\nnaver.com",
        "kim@example.co.\nkr",
        "kim@naver",
        "하늘@naver.com",
        "kim골뱅이네이버점컴",
        "kim 골뱅이 네이버 닷컴",
        "하늘공일 골뱅이 네이버 점컴",
        "케이 아이 엠 공일 골뱅이 지메일 쩜 컴",
        "h k 삼삼 골뱅이 한메일 점 넷",
        "하늘 골뱅이 회사 점 씨오 점 케이알",
        "하늘 골뱅이 네이버",
    ],
)
def test_an_address_is_found_however_it_is_written(address: str):
    assert masked(f"메일은 {address}로 주세요") == "메일은 [이메일1]로 주세요"


def test_an_address_ends_with_its_sentence():
    assert masked("메일 a.b@example.co.kr. Thanks, a@b.com.2024") == "메일 [이메일1]. Thanks, [이메일2].2024"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("번호\t연락처\n1\t1012345678\n2\t1087654321.0", "번호\t연락처\n1\t[전화1]\n2\t[전화2]"),
        ("전화번호\t말\n212345678\t네", "전화번호\t말\n[전화1]\t네"),
        ("| 휴대폰 |\n|---|\n| 1012345678 |", "| 휴대폰 |\n|---|\n| [전화1] |"),
        ("연락처\t1012345678", "연락처\t[전화1]"),
        ("연락처: 1012345678", "연락처: [전화1]"),
        ("연락처\n1012345678\n주민등록번호\n101013234567", "연락처\n[전화1]\n주민등록번호\n[주민번호1]"),
        ('{"phone": 1012345678, "n": 3}', '{"phone": [전화1], "n": 3}'),
        ("주민등록번호\n\n이름\t주민번호\n네\t1013234567", "주민등록번호\n\n이름\t주민번호\n네\t[주민번호1]"),
        ("주민번호: 101013234567", "주민번호: [주민번호1]"),
        # by its date and its check digit
        ("그건 101013234567이요", "그건 [주민번호1]이요"),
        ("계좌번호\t은행\n1234567890\t국민", "계좌번호\t은행\n[계좌1]\t국민"),
        ("카드번호\t말\n1234567890123456\t네", "카드번호\t말\n[카드1]\t네"),
        # one value, with the nought and without
        ("연락처\t말\n1012345678\t010-1234-5678", "연락처\t말\n[전화1]\t[전화1]"),
    ],
)
def test_a_number_that_lost_its_nought_is_known_by_its_head(text: str, expected: str):
    assert masked(text) == expected


def test_json_s_numbers_keep_the_name_that_tells_what_they_are():
    content = '[{"name": "황보라", "phone": 1012345678, "age": 30}]'.encode()
    assert list(read_json_records(content)) == ["황보라: phone: 1012345678 30"]


@pytest.mark.parametrize(
    "text",
    [
        "2024/01/15 13:30, 2024/02/1500, 1/02/2024 1234",
        "2023/2024/2025/2026, 2023-2024-2025-2026, 2023 2024 2025 2026",
        "골뱅이 무침 다음에 점심, 골뱅이 소면 닷새, 골뱅이 점 세 개",
        "송장 101013234567, 주문 1012345678, 합계 101013234568",
        "전화로 3명, 1588-1234\n전화\t건수\n3\t4\n금액\t1012345678",
        "240101\n3000000\n100\n200\n3000",
        "IMG_240101_1234567, v1.2.3.4, a@b, look at naver.com",
        "02 2024 1234567",
    ],
)
def test_what_leads_to_nobody_stays(text: str):
    assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "010-\n" * 10_000,
        "01 0 -\n" * 7_000,
        "1234/" * 10_000,
        "골뱅이" * 16_000,
        "골뱅이 " * 12_500,
        "비 " * 25_000 + "골뱅이 네이버 점 컴",
        "비 골뱅이 네이버 점 " * 5_000,
        "가" * 50_000,
        "a@" + "b." * 25_000,
        "a@" + "b점" * 25_000,
        "a@b점1." * 7_000,
        "a@" * 25_000,
        "연락처\t" * 12_500,
        "연락처\t1\n" * 7_000,
        "전화 " * 16_000,
        "101013234567 " * 4_000,
        "+82 " * 12_500,
        "-\n" * 25_000,
        " \n" * 25_000,
    ],
    ids=range(19),
)
def test_the_longest_text_takes_no_longer_than_its_length(text: str):
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 5
