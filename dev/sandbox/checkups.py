"""Ten years of believable general checkups for an invented person, in the provider's shape and order."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dev.sandbox.people import Person

Row = dict[str, Any]
Reference = tuple[tuple[str, str], ...]
PLACES = ("한빛검진의원", "새봄내과의원", "가온건강검진센터", "누리보건의원")
DESCRIPTIONS = {
    "정상": "",
    "정상B": "혈압 관리가 필요합니다.",
    "질환의심": "의료기관에서 2차 검사를 받으시기 바랍니다.",
}


@dataclass(frozen=True, slots=True)
class Item:
    gubun: str
    illness: str
    name: str
    unit: str
    references: Reference
    measure: Callable[["Body"], str]


class Body:
    """The measurements of one person in one year: a personal level, a slow drift and a little noise."""

    def __init__(self, dice: random.Random, level: random.Random, man: bool, age: int) -> None:
        self.man = man
        self.age = age
        self._dice = dice
        self._load = level.uniform(-1.0, 1.4) + (age - 40) / 40
        self.height = level.gauss(173 if man else 160, 5)
        self.weight = self.drift(70 if man else 57, 4, 1.5)
        self.systolic = round(self.drift(116, 8, 4))
        self.diastolic = round(self.systolic * 0.62 + dice.uniform(-2, 4))
        self.lipids_due = man or age >= 30

    def drift(self, base: float, per_load: float, noise: float) -> float:
        return max(base * 0.5, base + per_load * self._load + self._dice.gauss(0, noise))

    def whole(self, base: float, per_load: float, noise: float) -> str:
        return str(round(self.drift(base, per_load, noise)))

    def pick(self, usual: str, rare: str, chance: float = 0.04) -> str:
        return rare if self._dice.random() < chance else usual

    @property
    def bmi(self) -> float:
        return self.weight / (self.height / 100) ** 2


def _sight(body: Body) -> str:
    return f"{body.drift(1.0, -0.1, 0.1):.1f}/{body.drift(1.0, -0.1, 0.1):.1f}"


def _creatinine(body: Body) -> str:
    return f"{body.drift(0.95 if body.man else 0.72, 0.03, 0.05):.1f}"


def _bones(body: Body) -> str:
    return body.pick("정상", "골감소증", 0.2) if not body.man and body.age >= 54 else "비해당"


def _lipid(base: float, per_load: float, noise: float) -> Callable[[Body], str]:
    """Blood fats are only measured every few years for the young: an empty value is what the provider then sends."""
    return lambda body: body.whole(base, per_load, noise) if body.lipids_due else ""


ITEMS = (
    Item("계측검사", "비만", "신장", "cm", (), lambda b: f"{b.height:.1f}"),
    Item("계측검사", "비만", "체중", "kg", (), lambda b: f"{b.weight:.1f}"),
    Item(
        "계측검사",
        "비만",
        "허리둘레",
        "cm",
        (("정상", "남 90미만/여 85미만"),),
        lambda b: f"{b.bmi * 2.5 + b.man * 22.5:.1f}",
    ),
    Item(
        "계측검사",
        "비만",
        "체질량지수",
        "kg/m2",
        (("정상", "18.5-24.9"), ("질환의심", "30 이상")),
        lambda b: f"{b.bmi:.1f}",
    ),
    Item("계측검사", "시각이상", "시력(좌/우)", "", (), _sight),
    Item(
        "계측검사",
        "청각이상",
        "청력(좌/우)",
        "",
        (("정상", "정상/정상"),),
        lambda b: b.pick("정상/정상", "정상/비정상"),
    ),
    Item(
        "계측검사",
        "고혈압",
        "혈압(최고/최저)",
        "mmHg",
        (("정상", "120미만/80미만"), ("질환의심", "140이상/90이상")),
        lambda b: f"{b.systolic}/{b.diastolic}",
    ),
    Item(
        "요검사", "신장질환", "요단백", "", (("정상", "음성"), ("질환의심", "양성")), lambda b: b.pick("음성", "약양성")
    ),
    Item(
        "혈액검사",
        "빈혈 등",
        "혈색소",
        "g/dL",
        (("정상", "남 13-16.5/여 12-15.5"),),
        lambda b: f"{b.drift(15.0 if b.man else 13.2, -0.2, 0.3):.1f}",
    ),
    Item(
        "혈액검사",
        "당뇨병",
        "공복혈당",
        "mg/dL",
        (("정상", "100미만"), ("질환의심", "126이상")),
        lambda b: b.whole(93, 6, 4),
    ),
    Item("혈액검사", "이상지질혈증", "총콜레스테롤", "mg/dL", (("정상", "200미만"),), _lipid(185, 12, 10)),
    Item("혈액검사", "이상지질혈증", "HDL콜레스테롤", "mg/dL", (("정상", "60이상"),), _lipid(57, -4, 4)),
    Item("혈액검사", "이상지질혈증", "중성지방", "mg/dL", (("정상", "150미만"),), _lipid(105, 20, 18)),
    Item("혈액검사", "이상지질혈증", "LDL콜레스테롤", "mg/dL", (("정상", "130미만"),), _lipid(110, 10, 9)),
    Item("혈액검사", "신장질환", "혈청크레아티닌", "mg/dL", (("정상", "1.5이하"),), _creatinine),
    Item("혈액검사", "신장질환", "신사구체여과율", "mL/min", (("정상", "60이상"),), lambda b: b.whole(98, -7, 5)),
    Item("혈액검사", "간장질환", "AST(SGOT)", "U/L", (("정상", "40이하"),), lambda b: b.whole(22, 3, 3)),
    Item("혈액검사", "간장질환", "ALT(SGPT)", "U/L", (("정상", "35이하"),), lambda b: b.whole(20, 4, 4)),
    Item(
        "혈액검사",
        "간장질환",
        "감마지티피(γ-GTP)",
        "U/L",
        (("정상", "남 11-63/여 8-35"),),
        lambda b: b.whole(28 if b.man else 17, 5, 4),
    ),
    Item(
        "영상검사", "폐결핵", "폐결핵 흉부질환", "", (("정상", "정상, 비활동성"),), lambda b: b.pick("정상", "비활동성")
    ),
    Item("영상검사", "골다공증", "골다공증", "", (("정상", "T-score -1 이상"),), _bones),
)


def _verdict(body: Body) -> str:
    if body.systolic >= 140 or body.bmi >= 30:
        return "질환의심"
    return "정상B" if body.systolic >= 125 else "정상"


def _item_row(item: Item, value: str) -> Row:
    references = [{"Name": name, "Value": text} for name, text in item.references]
    return {"Name": item.name, "Value": value, "Unit": item.unit, "ItemReferences": references}


def _inspections(body: Body, left_out: str) -> list[Row]:
    """Group the items by Gubun and then by illness; both keep the order in which they first appear."""
    groups: dict[str, dict[str, list[Row]]] = {}
    for item in ITEMS:
        value = "" if item.name == left_out else item.measure(body)
        groups.setdefault(item.gubun, {}).setdefault(item.illness, []).append(_item_row(item, value))
    return [
        {"Gubun": gubun, "Illnesses": [{"Name": name, "Items": rows} for name, rows in illnesses.items()]}
        for gubun, illnesses in groups.items()
    ]


def _checkup(person: Person, seed: int, day: date, *, newest: bool) -> Row:
    dice = person.dice(seed, f"checkup {day.year}")
    body = Body(dice, person.dice(seed, "body"), person.gender == "M", day.year - person.born.year)
    verdict = _verdict(body)
    return {
        # Some records come without the suffix, as they do from the provider.
        "Year": f"{day.year}년" if dice.random() < 0.8 else str(day.year),
        "CheckUpDate": day.strftime("%m/%d"),
        "Code": verdict,
        "Location": dice.choice(PLACES),
        "Description": DESCRIPTIONS[verdict],
        "Inspections": _inspections(body, "공복혈당" if newest and person.newest_lacks_sugar else ""),
    }


def build_checkups(person: Person, seed: int, today: date) -> list[Row] | None:
    """One checkup a year, newest first, the newest at least a month old; None where the provider answers null."""
    if person.checkups is None:
        return None
    newest_year = (today - timedelta(days=150)).year
    dice = person.dice(seed, "checkup days")
    days = [date(newest_year - back, dice.randint(3, 5), dice.randint(1, 28)) for back in range(person.checkups)]
    return [_checkup(person, seed, day, newest=index == 0) for index, day in enumerate(days)]
