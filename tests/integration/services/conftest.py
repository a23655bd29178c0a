"""An invented person, their records as the provider serves them, and transactions that really commit."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session, sessionmaker

from models.accounts import TokensValidAfter
from models.patients import CampaignPayment, Consent, Hospital, Patient
from services.accounts.hashing import PasswordHashes
from services.collection.files import CollectedAnswer, CollectedData, packages_of
from services.collection.windows import Window, checkup_window
from services.patients.identity import Identity
from spool import KeptAnswer, Package

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HASHES = PasswordHashes("an invented pepper of enough letters")
# Wider than what is asked for at NOW: the treatments of the tests lie in it.
TREATMENTS_ASKED = Window(date(2023, 1, 1), date(2026, 9, 21))
PSEUDONYM_KEY = "an invented pseudonym key of enough letters"
# An order of the invented person.
BUYER: dict[str, Any] = {
    "oid": "ORDER-1",
    "user_name": "김하늘",
    "birth_date": date(1984, 5, 17),
    "user_phone": "01012345678",
}

MakeIdentity = Callable[..., Identity]
MakePackages = Callable[..., list[Package]]


@pytest.fixture
def make_identity() -> MakeIdentity:
    def make(**changes: Any) -> Identity:
        person: dict[str, Any] = {
            "user_name": "김하늘",
            "phone_no": "01012345678",
            "birthdate": date(1984, 5, 17),
            "gender": "M",
            "private_auth_type": "0",
        }
        return Identity(**(person | changes))

    return make


@pytest.fixture
def sessions(engine: Engine) -> Iterator[sessionmaker[Session]]:
    """For what must commit: several transactions, several threads. Removes the people afterwards."""
    maker = sessionmaker(engine, expire_on_commit=False)
    yield maker
    with maker.begin() as session:
        session.execute(delete(CampaignPayment))
        session.execute(delete(TokensValidAfter))
        session.execute(delete(Consent))
        session.execute(delete(Patient))
        session.execute(delete(Hospital).where(Hospital.hospital_id != "PEERNINE"))


@pytest.fixture
def make_packages(make_identity: MakeIdentity) -> MakePackages:
    def make(
        *,
        health: list[Any] | None = None,
        prescriptions: list[Any] | None = None,
        patient_uuid: UUID | None = None,
        now: datetime = NOW,
        window: Window | None = None,
        **changes: Any,
    ) -> list[Package]:
        identity = make_identity(**changes)
        uuid = patient_uuid or identity.derive_uuid(PSEUDONYM_KEY)
        collected = CollectedData(
            uuid4(),
            uuid,
            "PEERNINE",
            identity,
            _answer(health, now, window or checkup_window(now)),
            _answer(prescriptions, now, window or TREATMENTS_ASKED),
        )
        return packages_of(collected, now)

    return make


def _answer(rows: list[Any] | None, now: datetime, window: Window) -> CollectedAnswer | None:
    if rows is None:
        return None
    body = orjson.dumps({"Status": "OK", "ErrorCode": 0, "ResultList": rows})
    return CollectedAnswer(KeptAnswer(body), now, window)


def checkup(year: str = "2023년", day: str = "09/28", location: str = "한빛검진의원", **values: str) -> dict[str, Any]:
    """`values` by the provider's names; without any, what a report needs."""
    measured = values or {"신장": "171.3", "체중": "69.2", "혈압(최고/최저)": "118/76", "공복혈당": "94"}
    items = [{"Name": name, "Value": value, "Unit": "", "ItemReferences": []} for name, value in measured.items()]
    inspections = [{"Gubun": "계측검사", "Illnesses": [{"Name": "비만", "Items": items}]}]
    return {
        "Year": year,
        "CheckUpDate": day,
        "Code": "정상",
        "Location": location,
        "Description": "",
        "Inspections": inspections,
    }


def treatment(day: str = "2024-03-11", place: str = "새봄약국", idx: str = "1", **changes: Any) -> dict[str, Any]:
    return {
        "Idx": idx,
        "Page": "1",
        "ByungEuiwonYakGukMyung": place,
        "Address": "마포구 가온로",
        "JinRyoGaesiIl": day,
        "JinRyoHyungTae": "처방조제",
        "BangMoonIpWonIlsoo": "1",
        "CheoBangHoiSoo": "2",
        "TuYakYoYangHoiSoo": "",
        "RetrieveTreatmentInjectionInformationPersonDetailList": [{"Idx": "1", "ChoBangYakPumMyung": "가나정500mg"}],
    } | changes
