"""Disease-prediction reports: made once per transaction id, from the values alone, and kept for the next retry."""

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dev.sandbox.pdf import write_pdf

NAMESPACE = uuid.UUID("6f0e3c1e-5d0a-4f5b-9a53-0d6a4f0b7c11")
DISEASES = (
    ("D01", "고혈압", "sbp", 120),
    ("D02", "당뇨병", "fbs", 98),
    ("D03", "이상지질혈증", "tg", 140),
    ("D04", "뇌졸중", "sbp", 135),
    ("D05", "심근경색", "ldl", 130),
    ("D06", "만성신장질환", "scr", 1.1),
    ("D07", "지방간", "alt", 32),
    ("D08", "비만", "bmi", 24.5),
    ("D09", "골다공증", "dbp", 85),
    ("D10", "치매", "dbp", 88),
)
CANCERS = (
    ("C01", "위암"),
    ("C02", "간암"),
    ("C03", "대장암"),
    ("C04", "폐암"),
    ("C05", "췌장암"),
    ("C06", "신장암"),
    ("C07", "갑상선암"),
)
WOMEN_ONLY, MEN_ONLY = ("C08", "유방암"), ("C08", "전립선암")


@dataclass(frozen=True, slots=True)
class Report:
    report_id: str
    analyzed_at: str
    bodyage: int
    rank: int
    entries: tuple[dict[str, Any], ...]

    def describe(self, return_type: str, origin: str) -> dict[str, Any]:
        data = {
            "provider": "twobecon",
            "analyzed_at": self.analyzed_at,
            "bodyage": self.bodyage,
            "rank": self.rank,
            "data": list(self.entries),
        }
        return {
            "mkt_uuid": self.report_id,
            "report_url": None if return_type == "data" else f"{origin}/mediarc/reports/{self.report_id}.pdf",
            "mediarC": None if return_type == "pdf" else data,
        }

    def print_pdf(self) -> bytes:
        lines = [
            "Sandbox: all people and values are invented.",
            f"Analyzed at {self.analyzed_at}",
            f"Body age {self.bodyage}, rank {self.rank} of 100",
            "",
            *(f"{entry['type']} {entry['code']}: rate {entry['rate']}" for entry in self.entries),
        ]
        return write_pdf("Disease prediction report", lines)


def _level(rate: float) -> str:
    return "정상" if rate < 1.2 else "주의" if rate < 2.0 else "위험"


def _entry(kind: str, code: str, name: str, rate: float) -> dict[str, Any]:
    return {"type": kind, "code": code, "name": name, "rate": rate, "level": _level(rate)}


def _predict(values: dict[str, Any], dice: random.Random, *, man: bool, smokes: bool) -> tuple[dict[str, Any], ...]:
    entries = []
    for code, name, measure, usual in DISEASES:
        excess = values.get(measure, usual) / usual
        entries.append(_entry("disease", code, name, round(excess**2 * dice.uniform(0.85, 1.15), 1)))
    for code, name in (*CANCERS, MEN_ONLY if man else WOMEN_ONLY):
        load = 1.9 if smokes and name == "폐암" else 1.0
        entries.append(_entry("cancer", code, name, round(load * dice.uniform(0.5, 1.3), 1)))
    return tuple(entries)


def _body_age(age: int, values: dict[str, float], *, smokes: bool) -> int:
    pressure = (values["sbp"] - 118) / 6
    sugar = (values["fbs"] - 95) / 8
    weight = (values["weight"] / (values["height"] / 100) ** 2 - 22.5) / 2
    return max(18, round(age + max(-6.0, min(12.0, pressure + sugar + weight)) + 2 * smokes))


def make_report(data: dict[str, Any], seed: int) -> Report:
    """Equal values give an equal body age, rank and prediction."""
    values, man, smokes = data["checkup"], data["gender"] == 1, data.get("smoke") == "SMK0003"
    now = datetime.now(UTC)
    dice = random.Random(f"{seed}|{data['birth']}|{sorted(values.items())}")
    age = now.year - int(data["birth"][:4])
    body_age = _body_age(age, values, smokes=smokes)
    return Report(
        report_id=str(uuid.uuid5(NAMESPACE, f"{seed}|{data['tid']}")),
        analyzed_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        bodyage=body_age,
        rank=max(1, min(99, 50 + 4 * (body_age - age))),
        entries=_predict(values, dice, man=man, smokes=smokes),
    )


class Reports:
    def __init__(self) -> None:
        self._by_tid: dict[str, Report] = {}
        self._by_id: dict[str, Report] = {}

    def find(self, tid: str) -> Report | None:
        return self._by_tid.get(tid)

    def find_by_id(self, report_id: str) -> Report | None:
        return self._by_id.get(report_id)

    def keep(self, tid: str, report: Report) -> None:
        self._by_tid[tid] = report
        self._by_id[report.report_id] = report
