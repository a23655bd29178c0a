"""What a refusal's words are about, in sentences of many kinds."""

import unicodedata

import pytest

from upstream.tilko.refusals import Refusal, judge_refusal

DECLINED = [
    "사용자가 인증을 취소하였습니다.",
    "고객님께서 인증을 거절하셨습니다.",
    "본인이 거절하시어 인증을 진행할 수 없습니다",
    "인증을 진행할 수 없습니다. (사유: 거절)",
    "인 증 을 진 행 할 수 없 습 니 다 - 사용자 취소",
    "<p>인증 요청이 <b>거절</b>되었습니다.</p>",
    "인증이 취소되어 완료되지 않았습니다. 확인 후 다시 시도해 주세요.",
    "회원님이 인증 요청을 거부하였습니다.",
    "취소 (사용자 요청)",
]
WRONG_DATA = [
    "인증을\u00a0진행할\u3000수 없습니다",
    "인증을&nbsp;진행할&#8203;수 없습니다",
    "‘사용자 정보’가 시스템에 등록된 것과 다릅니다.",
    "사용자 정보가 통신사 명의와 다릅니다.",
    "입력하신 정보를 점검해 주시기 바랍니다.",
    "장애인 등록 사용자 정보와 일치하지 않습니다.",
    "과거 절차에 쓰인 사용자 정보입니다.",
]
WAITING = [
    "인증이 아직 완료되지 않았습니다. 취소하시려면 아래 버튼을 누르세요.",
    "처리가 지연되어 인증이 완료되지 않았습니다.",
    "승인되지 않았습니다. 사용자 정보를 확인하고 승인해 주세요.",
]
FAULTS = [
    "일시적인 장애로 인증을 진행할 수 없습니다. 확인 후 다시 시도해 주세요.",
    "서비스 점검 중입니다. 사용자 정보는 안전합니다.",
    "서버에서 연결을 거절했습니다.",
    "시스템 오류로 요청이 취소되었습니다.",
    "접속이 거부되었습니다.",
    "요청이 거부되었습니다.",
    "인증 유효 시간이 지나 취소되었습니다.",
    "네트워크 상태를 확인 후 다시 시도해 주세요.",
    "접속자가 몰려 혼잡합니다.",
    "알 수 없는 오류 (E-9001)",
    "내역을 찾을 수 없습니다.",
    "",
    None,
]
CASES = [
    *((text, Refusal.DECLINED) for text in DECLINED),
    *((text, Refusal.WRONG_DATA) for text in WRONG_DATA),
    *((text, Refusal.NOT_FINISHED) for text in WAITING),
    *((text, Refusal.UNKNOWN) for text in FAULTS),
    ("등록되지 않은 A P I - K E Y 입니다.", Refusal.OUR_KEY),
]


@pytest.mark.parametrize(("message", "meaning"), CASES)
def test_a_refusal_is_judged_by_what_it_says_of_the_person(message, meaning):
    assert judge_refusal(message, None, is_waiting=True) is meaning


def test_letters_may_come_taken_apart():
    message = unicodedata.normalize("NFD", "인증을 진행할 수 없습니다. 본인 거절")
    assert judge_refusal(message, None, is_waiting=True) is Refusal.DECLINED


@pytest.mark.parametrize(
    ("target_message", "meaning"),
    [
        ("대상자를 찾을 수 없습니다.", Refusal.NOT_FOUND),
        ("일시적으로 대상자를 찾을 수 없습니다.", Refusal.UNKNOWN),
        ("본인이 인증을 거절함", Refusal.DECLINED),
        ("사용자 정보 불일치", Refusal.WRONG_DATA),
        (None, Refusal.UNKNOWN),
        (7, Refusal.UNKNOWN),
    ],
)
def test_the_insurers_own_message_is_heard_too(target_message, meaning):
    assert judge_refusal("조회 실패", target_message, is_waiting=True) is meaning


def test_before_the_push_nothing_is_unfinished():
    assert judge_refusal("인증이 완료되지 않았습니다", None, is_waiting=False) is Refusal.UNKNOWN
