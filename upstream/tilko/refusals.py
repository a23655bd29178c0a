"""Tells a refusal's cases apart by its words: the person's own choice or data, our configuration, or none of these."""

import re
import unicodedata
from enum import Enum

from upstream.redaction import clean


class Refusal(Enum):
    """What a refusal is about."""

    OUR_KEY = "our_key"
    DECLINED = "declined"
    NOT_FINISHED = "not_finished"
    WRONG_DATA = "wrong_data"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


# All are compared with what `_squeeze` leaves: letters and digits.
_UNKNOWN_API_KEY = re.compile(r"api(?:key|키)", re.IGNORECASE)
_NOT_FINISHED = re.compile(
    r"(?:인증|승인)[이을]?(?:아직)?(?:완료|진행|처리)?(?:되지|하지)않|인증[이을]?(?:미완료|대기|진행중|완료전)|미인증"
    r"|인증[이을]?완료(?:한)?후|notfinished|notcompleted|pending",
    re.IGNORECASE,
)
_WRONG_DATA = re.compile(r"입력하신정보|사용자정보|확인후다시시도|인증을진행할수없습니다")
_NOT_FOUND = re.compile(r"찾을수없")
# Only what was done, and by somebody: no button, offer or condition ("취소하시려면"), no neighbours that meet where a
# blank was ("과거 절차", "채취 소견"), and no server that refuses a connection.
_DECLINED = re.compile(
    r"(?:거절(?![차대반약감])|(?<![채섭])취소)(?!하시(?:려|면|겠)|하려|하면|하실|할|해주|(?:하지|되지)않|버튼|가능)"
    r"|(?:사용자|본인|고객|이용자|회원)(?:님)?(?:이|가|께서|의)?(?:간편)?(?:인증|승인)?(?:요청)?[을를]?거부"
)
_BY_A_MACHINE = re.compile(r"(?:서버|시스템|접속|접근|연결|통신|네트워크)[^\W\d_]{0,6}?(?:거절|취소|거부)")
_RAN_OUT = re.compile(r"시간(?:이|을)?(?:초과|만료|경과)|유효(?:시간|기간)|만료")
# The provider's own trouble, whatever else the sentence says of the person: "장애로 인증을 진행할 수 없습니다".
_OWN_TROUBLE = re.compile(
    r"일시적|장애(?!인)|(?:정기|시스템|서비스|서버)점검|점검(?:중|시간|으로|작업)|네트워크|통신(?!사)"
    r"|(?:시스템|서버)(?:오류|에러|문제|응답|접속|연결)|(?:응답|처리|접속)지연|지연(?:되|으로|중)|혼잡|폭주|과부하|timeout",
    re.IGNORECASE,
)


def judge_refusal(message: object, target_message: object, *, is_waiting: bool) -> Refusal:
    """`target_message` is the insurer's, passed on. `is_waiting`: the question was whether the person has approved;
    before the push nothing can be unfinished."""
    words = _squeeze(message)
    if _UNKNOWN_API_KEY.search(words):
        return Refusal.OUR_KEY
    target_words = _squeeze(target_message)
    both = f"{words} {target_words}"
    is_own_trouble = _OWN_TROUBLE.search(both) is not None
    if not is_own_trouble and _speaks_of_a_decline(both):
        return Refusal.DECLINED
    if is_waiting and _NOT_FINISHED.search(both):  # first: "finish the approval, 확인 후 다시 시도" means wait
        return Refusal.NOT_FINISHED
    if not is_own_trouble and _WRONG_DATA.search(both):
        return Refusal.WRONG_DATA
    if not is_own_trouble and _NOT_FOUND.search(target_words):
        return Refusal.NOT_FOUND
    return Refusal.UNKNOWN


def says_not_finished(message: object) -> bool:
    return _NOT_FINISHED.search(_squeeze(message)) is not None


def _speaks_of_a_decline(words: str) -> bool:
    return bool(_DECLINED.search(words)) and not (_BY_A_MACHINE.search(words) or _RAN_OUT.search(words))


def _squeeze(message: object) -> str:
    """Letters and digits, each in one form: the provider's messages vary in blanks, tags and signs."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", clean(message)) if letter.isalnum())
