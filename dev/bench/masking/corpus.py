"""An invented corpus: utterances with something to be taken out, each known, and utterances that hold nothing.

It is made from other lists than the masker's, and holds what the masker is known to miss (a name that nothing
announces, rare family names) and what it may mistake for a name.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# By how many people bear them.
_FAMILIES = (
    "김" * 21 + "이" * 15 + "박" * 8 + "최" * 5 + "정" * 5 + "강조윤장임" * 2
) + "한오서신권황안송류홍고문양손배백허"
_RARE_FAMILIES = ("남궁", "제갈", "황보", "단", "뇌", "팽")
_GIVEN = (
    "민서지하도예시준은수현유주태건재영혜정미경승진다나윤",
    "준서윤아우진호연은민현지원영희수정미경훈석환철린온율",
)
_SINGLE_GIVEN = "솔준민훈진혁빈"
_TITLES = ("님", " 씨", " 대리", " 과장님", " 선생님", " 팀장", " 교수님", " 매니저님")
_SPOKEN = "공일이삼사오육칠팔구"
_BANKS = ("국민은행", "신한", "우리은행", "농협", "카카오뱅크")
_PLAIN = (
    "결제 화면이 자꾸 멈춰서 {count}번이나 다시 눌렀어요.",
    "주문 번호는 {day}-{number}이고 {count},000원이었어요.",
    "{day}에 가입했고 13:{count}쯤 배달이 왔습니다.",
    "고객님이라고 부르는데 저는 회원이 아니에요.",
    "이 대표 메뉴를 전 대리점에서 팔더라고요.",
    "{count}호 앞에 두라고 했는데 {count}층에 뒀어요.",
    "버전 {count}.{count}.{count}로 올리고 나서 느려졌어요.",
    "1588-{number}에 걸었더니 {count}분을 기다리래요.",
    "저는 주부이고 저희 남편은 공무원입니다.",
    "여러분도 들어 보셨죠, 손님이 왕이라고.",
    "정말 이거는 조금 문제가 있다고 봐요.",
    "쿠폰 코드 AB{number}{number}를 넣어도 안 돼요.",
    "강남역 {count}번 출구, 서울 시내 {count}군데요.",
    "이용자 님들 중 {count}퍼센트가 그렇대요.",
    "송장 {number}{number}{number} 조회가 안 됩니다.",
    "주임 선생님들이 모두 안내를 안 해 줘요.",
    "인기 작가님이 쓴 유명 기자 이야기예요.",
    "정규 사원과 계약 사원, 수습 사원이 함께해요.",
    "담당 매니저가 지역 팀장한테 물어본대요.",
    "차기 대표와 명예 교수, 전임 원장이 왔어요.",
    "은퇴한 이사, 상임 이사, 사외 이사 모두요.",
    "성실한 연구원, 책임 연구원이 설명해요.",
    "경력 간호사와 신규 간호사가 교대로요.",
    "안경: 3만원\n모자: 2만원\n신발: 5만원",
    "서울: 비\n부산: 맑음\n서울: 눈",
    "저는 반대입니다. 저는 장남이라고 부담이 커요.",
    "이름은 아무렇게나 지었고 이름이 기억나지 않아요.",
    "맹장 수술 하고 어린 양 같은 표정을 지었죠.",
    "진행자: 어떤 점이 좋으셨나요?",
    "은행 서버가 192.168.1{count}.1{count}이고 {day} 13:{count}에 멈췄어요.",
    "2023 2024 20{count}년, 100 200 {count}0000원 순서예요.",
    "여권 사진은 이천이십사년 삼월 이일에 찍었고 사이사이 구석에 뒀어요.",
    "정리: 배송이 늦다. 장점: 싸다.",
)
_AROUND = ("{} 이요.", "네, {} 입니다.", "{} 쪽으로 연락 주세요.", "적어 두세요. {}", "그게 {}인가 그래요.")


@dataclass(frozen=True, slots=True)
class Utterance:
    """`secret` must not be left in the masked text; empty where there is nothing to be taken out."""

    kind: str
    text: str
    secret: str = ""


def make_corpus(seed: int, size: int) -> list[Utterance]:
    """`size` utterances of each kind, and as many plain ones as of all kinds together."""
    dice = random.Random(seed)
    held = [make(kind, dice) for kind, make in _MAKERS.items() for _ in range(size)]
    return held + [Utterance("plain", _fill(dice.choice(_PLAIN), dice)) for _ in held]


def _fill(sentence: str, dice: random.Random) -> str:
    day = f"2025-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    return sentence.format(count=dice.randint(10, 59), day=day, number=_digits(dice, 4))


def _digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choice("0123456789") for _ in range(count))


def _around(kind: str, value: str, dice: random.Random) -> Utterance:
    return Utterance(kind, dice.choice(_AROUND).format(value), value)


def _mobile(kind: str, dice: random.Random) -> Utterance:
    groups = ("010", _digits(dice, 4), _digits(dice, 4))
    written = dice.choice(("-", " ", ".", "", " - ", "–")).join(groups)
    if dice.random() < 0.2:
        written = written.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    return _around(kind, written, dice)


def _spoken_mobile(kind: str, dice: random.Random) -> Utterance:
    return _spoken(kind, ("010", _digits(dice, 4), _digits(dice, 4)), dice)


def _speak(digits: str) -> str:
    return "".join(_SPOKEN[int(digit)] for digit in digits)


def _spoken(kind: str, groups: Sequence[str], dice: random.Random) -> Utterance:
    return _around(kind, dice.choice((" ", "에 ", ", ", " 다시 ")).join(map(_speak, groups)), dice)


def _spoken_land_line(kind: str, dice: random.Random) -> Utterance:
    area = dice.choice(("02", "031", "051", "070"))
    return _spoken(kind, (area, _digits(dice, dice.choice((3, 4))), _digits(dice, 4)), dice)


def _spoken_card(kind: str, dice: random.Random) -> Utterance:
    return _spoken(kind, [dice.choice("3459") + _digits(dice, 3), *(_digits(dice, 4) for _ in range(3))], dice)


def _told_account(kind: str, dice: random.Random) -> Utterance:
    """Spoken, or in groups that blanks or dots part."""
    groups = (_digits(dice, 3), _digits(dice, dice.choice((2, 3))), _digits(dice, 6))
    written = dice.choice((".", " ")).join(groups) if dice.random() < 0.5 else " ".join(map(_speak, groups))
    sentence = dice.choice(("{} {} 로 넣어 주세요.", "{} 계좌가 {} 예요.", "{}에서 {} 로 보냈어요."))
    return Utterance(kind, sentence.format(dice.choice(_BANKS), written), written)


def _told_passport(kind: str, dice: random.Random) -> Utterance:
    number = f"{_digits(dice, 4)} {_digits(dice, 4)}"
    written = (
        f"{dice.choice('MS')} {number}"
        if dice.random() < 0.5
        else f"{dice.choice(('엠', '에스'))} {_speak(number[:4])} {_speak(number[5:])}"
    )
    return Utterance(kind, dice.choice(("여권 번호는 {} 예요.", "여권이 {} 인데요.")).format(written), written)


def _land_line(kind: str, dice: random.Random) -> Utterance:
    area = dice.choice(("02", "031", "051", "070"))
    written = dice.choice(("{}-{}-{}", "({}) {}-{}", "{}.{}.{}", "{} {} {}"))
    return _around(kind, written.format(area, _digits(dice, dice.choice((3, 4))), _digits(dice, 4)), dice)


def _resident(kind: str, dice: random.Random) -> Utterance:
    born = f"{dice.randint(50, 99)}{dice.randint(1, 12):02}{dice.randint(1, 28):02}"
    between = dice.choice(("-", "", " - ", " ", "."))
    return _around(kind, f"{born}{between}{dice.choice('12345678')}{_digits(dice, 6)}", dice)


def _card(kind: str, dice: random.Random) -> Utterance:
    groups = [dice.choice("3459") + _digits(dice, 3), *(_digits(dice, 4) for _ in range(3))]
    return _around(kind, dice.choice(("-", " ", ".", " - ")).join(groups), dice)


def _account(kind: str, dice: random.Random) -> Utterance:
    if dice.random() < 0.5:
        return _around(kind, f"{_digits(dice, 3)}-{_digits(dice, 3)}-{_digits(dice, 6)}", dice)
    number = _digits(dice, dice.randint(11, 14))
    return Utterance(kind, f"{dice.choice(_BANKS)} {number} 로 넣어 주세요.", number)


def _email(kind: str, dice: random.Random) -> Utterance:
    user = "".join(dice.choice("abcdefghij") for _ in range(6)) + dice.choice(("", "88", ".kim", "_x"))
    domain = dice.choice(("example.com", "mail.example.co.kr", "example.net"))
    return _around(kind, user + dice.choice(("@", "@", " 골뱅이 ")) + domain, dice)


def _plate(kind: str, dice: random.Random) -> Utterance:
    letter = dice.choice("가나다라마거너더러하허호")
    between = dice.choice(("", " "))
    return _around(kind, f"{_digits(dice, dice.choice((2, 3)))}{letter}{between}{_digits(dice, 4)}", dice)


def _passport(kind: str, dice: random.Random) -> Utterance:
    return _around(
        kind, dice.choice("MS") + dice.choice((_digits(dice, 8), f"{_digits(dice, 3)}A{_digits(dice, 4)}")), dice
    )


def _person(dice: random.Random) -> str:
    family = dice.choice(_RARE_FAMILIES) if dice.random() < 0.03 else dice.choice(_FAMILIES)
    is_short = dice.random() < 0.08
    return family + (dice.choice(_SINGLE_GIVEN) if is_short else "".join(map(dice.choice, _GIVEN)))


def _labelled(kind: str, dice: random.Random) -> Utterance:
    name = _person(dice)
    again = _fill(dice.choice(_PLAIN[:3]), dice)
    return Utterance(kind, f"{name}: {again}\n진행자: 왜요?\n{name}: 그냥 {name}답게 하려고요.", name)


def _recorded(kind: str, dice: random.Random) -> Utterance:
    """As recorders, captions and tables tell who speaks."""
    name = _person(dice)
    said = [_fill(dice.choice(_PLAIN[:3]), dice) for _ in range(2)]
    written = dice.choice(
        (
            "{0} 00:12\n{1}\n진행자 00:15\n왜요?\n{0} 00:20\n{2}",
            "[{0}] {1}\n[진행자] 왜요?\n[{0}] {2}",
            "{0} - {1}\n진행자 - 왜요?\n{0} - {2}",
            "<v {0}>{1}</v>\n<v {0}>{2}</v>",
            "{0}\n{1}\n\n진행자\n왜요?\n\n{0}\n{2}",
            "화자\t발화\n{0}\t{1}\n진행자\t왜요?",
            "| 화자 | 발화 |\n|---|---|\n| {0} | {1} |",
            "번호\t이름\t말\n1\t진행자\t왜요?\n\n2\t{0}\t{1}",
            "이름\t말\n진행자\t왜요?\n소계\n{0}\t{1}",
        )
    )
    return Utterance(kind, written.format(name, *said), name)


def _titled(kind: str, dice: random.Random) -> Utterance:
    name = _person(dice)
    return Utterance(kind, f"그건 {name}{dice.choice(_TITLES)}이 알려 줬어요.", name)


def _introduced(kind: str, dice: random.Random) -> Utterance:
    name = _person(dice)
    sentence = dice.choice(
        ("저는 {}입니다.", "안녕하세요, 저는 {}이라고 합니다.", "제 이름은 {}입니다.", "저는 영업팀 {}이에요.")
    )
    return Utterance(kind, sentence.format(name), name)


def _unannounced(kind: str, dice: random.Random) -> Utterance:
    """Nothing says that it is a name."""
    name = _person(dice)
    return Utterance(kind, f"그때 {name}한테 물어봤거든요.", name)


_MAKERS: dict[str, Callable[[str, random.Random], Utterance]] = {
    "mobile": _mobile,
    "mobile_spoken": _spoken_mobile,
    "land_line": _land_line,
    "land_line_spoken": _spoken_land_line,
    "resident_number": _resident,
    "card": _card,
    "card_spoken": _spoken_card,
    "account": _account,
    "account_spoken_or_in_groups": _told_account,
    "email": _email,
    "plate": _plate,
    "passport": _passport,
    "passport_spoken_or_in_groups": _told_passport,
    "name_as_label": _labelled,
    "name_in_recording_or_table": _recorded,
    "name_with_title": _titled,
    "name_introduced": _introduced,
    "name_unannounced": _unannounced,
}
