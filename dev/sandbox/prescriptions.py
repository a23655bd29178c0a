"""Believable treatments and medication for an invented person, in the provider's shape."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dev.sandbox.images import encode_pill
from dev.sandbox.people import Person

Row = dict[str, Any]
ROWS_PER_PAGE = 10
# The insurer publishes late: clients ask from 14 to 2 months ago. Records keep clear of both edges, so that time
# zones and the lengths of months never decide whether one of them is inside.
NEWEST_DAYS, OLDEST_DAYS, OLDER_DAYS = 70, 415, 800


@dataclass(frozen=True, slots=True)
class Drug:
    code: str
    name: str
    effect: str
    maker: str
    atc: str
    colour: tuple[int, int, int]


DRUGS = (
    Drug("600000001", "가나정500mg", "해열.진통.소염제", "가온제약", "N02BE01", (240, 240, 235)),
    Drug("600000002", "다라캡슐250mg", "주로 그람양성, 음성균에 작용하는 것", "누리제약", "J01CA04", (200, 60, 50)),
    Drug("600000003", "마바정10mg", "기타의 알레르기용약", "새봄제약", "R06AE07", (250, 250, 250)),
    Drug("600000004", "사아정5mg", "혈압강하제", "한빛약품", "C08CA01", (250, 220, 120)),
    Drug("600000005", "자차서방정500mg", "당뇨병용제", "가온제약", "A10BA02", (245, 245, 245)),
    Drug("600000006", "카타정20mg", "동맥경화용제", "누리제약", "C10AA05", (230, 180, 190)),
    Drug("600000007", "파하캡슐20mg", "소화성궤양용제", "새봄제약", "A02BC01", (120, 90, 160)),
    Drug("600000008", "거너시럽", "진해거담제", "한빛약품", "R05CB06", (140, 90, 40)),
    Drug("600000009", "더러정100mg", "정장제", "가온제약", "A07FA02", (210, 200, 150)),
    Drug("600000010", "머버연고", "화농성질환용제", "누리제약", "D06AX09", (235, 235, 220)),
)
PHARMACIES = (("새봄약국", "마포구 가온로"), ("누리약국", "성북구 한빛길"), ("다온약국", "강서구 새벽로"))
CLINICS = (
    ("한빛내과의원", "마포구 가온로"),
    ("가온이비인후과의원", "성북구 한빛길"),
    ("누리정형외과의원", "강서구 새벽로"),
)


def _drug_info(drug: Drug, image_bytes: int) -> Row:
    return {
        "DrugCode": drug.code,
        "MediPrdcNm": drug.name,
        "DrugImage": encode_pill(drug.colour, image_bytes),
        "CmpnInfo": f"{drug.name} 주성분",
        "TmsgGnlSpcd": "일반" if drug.code.endswith(("1", "9")) else "전문",
        "SnglCmtnYn": "단일",
        "UpsoName": drug.maker,
        "Upso1": f"{drug.maker}(주)",
        "FomlCdXplnCnte": "캡슐제" if "캡슐" in drug.name else "정제",
        "MdctPathXplnCnte": "외용" if "연고" in drug.name else "경구",
        "MohwClsfNoXplnCnte": f"[{drug.code[-3:]}] {drug.effect}",
        "AtcInfo": drug.atc,
        "KpicInfo": drug.effect,
        "EfftEftCnte": f"{drug.effect}로서 증상을 완화합니다.",
        "UsagCpctCnte": "성인 1회 1정, 1일 3회 식후 30분에 복용합니다.",
        "UseAtntMttCnte": "이 약에 과민증이 있는 사람은 복용하지 마십시오.",
        "CmnTmdcGdncCnte": "정해진 시간에 물과 함께 복용하세요.",
    }


def _detail(index: int, drug: Drug, days: int, place: tuple[str, str], image_bytes: int) -> Row:
    return {
        "Idx": str(index),
        "JinRyoChoBangIlja": "",
        "JinRyoHyungTae": "처방조제",
        "ChoBangHoetSoo": "1",
        "ChoBangYakPumMyung": drug.name,
        "ChoBangYakPumHyoneung": drug.effect,
        "TuyakIlSoo": str(days),
        "DrugCode": drug.code,
        "NameAddr": f"{place[0]}[{place[1]}]",
        # One picture per row keeps the size of an answer easy to foretell: rows x image_bytes x 4/3.
        "RetrieveMdsupDtlInfo": _drug_info(drug, image_bytes if index == 1 else 0),
    }


def _place(places: tuple[tuple[str, str], ...], nth_of_day: int) -> tuple[str, str]:
    """Nobody visits one place twice a day here, so that a day and a place always name one treatment."""
    branch, index = divmod(nth_of_day, len(places))
    name, address = places[index]
    return (f"{name} {branch + 1}호점", address) if branch else (name, address)


def _pharmacy_row(dice: random.Random, nth_of_day: int, image_bytes: int) -> Row:
    place = _place(PHARMACIES, nth_of_day)
    days = dice.choice((3, 5, 7, 30))
    drugs = dice.sample(DRUGS, dice.randint(1, 3))
    details = [_detail(index, drug, days, place, image_bytes) for index, drug in enumerate(drugs, start=1)]
    return _row(place, "처방조제", str(len(drugs)), str(days), details)


def _clinic_row(dice: random.Random, nth_of_day: int) -> Row:
    """A visit without medication: counts may be empty and the detail list holds nothing."""
    return _row(_place(CLINICS, nth_of_day), "일반외래", dice.choice(("0", "")), "", [])


def _row(place: tuple[str, str], kind: str, prescribed: str, days: str, details: list[Row]) -> Row:
    return {
        "Idx": "",
        "Page": "",
        "ByungEuiwonYakGukMyung": place[0],
        "Address": place[1],
        "JinRyoGaesiIl": "",
        "JinRyoHyungTae": kind,
        "BangMoonIpWonIlsoo": "1",
        "CheoBangHoiSoo": prescribed,
        "TuYakYoYangHoiSoo": days,
        "RetrieveTreatmentInjectionInformationPersonDetailList": details,
    }


def _on(row: Row, day: date) -> Row:
    row["JinRyoGaesiIl"] = day.isoformat()
    for detail in row["RetrieveTreatmentInjectionInformationPersonDetailList"]:
        detail["JinRyoChoBangIlja"] = day.isoformat()
    return row


def _spread(dice: random.Random, count: int, newest: int, oldest: int) -> list[int]:
    return sorted(dice.randint(newest, oldest) for _ in range(count))


def _days_back(person: Person, seed: int) -> list[int]:
    dice = person.dice(seed, "treatment days")
    recent = _spread(dice, person.prescriptions or 0, NEWEST_DAYS, OLDEST_DAYS)
    return recent + _spread(dice, person.older_prescriptions, OLDEST_DAYS + 30, OLDER_DAYS)


def build_treatments(person: Person, seed: int, today: date, start: date, end: date) -> list[Row] | None:
    """The treatments from `start` to `end`, both included, newest first; None where the provider answers null."""
    if person.prescriptions is None:
        return None
    rows: list[Row] = []
    dice = person.dice(seed, "treatments")
    days_back = _days_back(person, seed)
    for number, back in enumerate(days_back):
        row_dice = random.Random(dice.random())
        day = today - timedelta(days=back)
        if not start <= day <= end:
            continue
        nth_of_day = number - days_back.index(back)
        is_visit = number % 5 == 4
        row = _clinic_row(row_dice, nth_of_day) if is_visit else _pharmacy_row(row_dice, nth_of_day, person.image_bytes)
        rows.append(_on(row, day))
    for index, row in enumerate(rows):
        row["Idx"], row["Page"] = str(index + 1), str(index // ROWS_PER_PAGE + 1)
    return rows
