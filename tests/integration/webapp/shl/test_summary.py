"""Records as the API serves them become a valid FHIR document in the browser; each side opens the other's files."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from dev.local.programs import ROOT
from models.patients import Patient
from services.threads.record_messages import SentKind, read_records
from tests.integration.services.conftest import checkup, treatment
from tests.integration.webapp.people import Person, arrive, collect
from tests.shl import decrypt, encode, encrypt, read_link, write_link
from tests.unit.services.journey.fhir.validators import find_faults
from webapp.current import parts

SCRIPT = Path(__file__).with_name("browser.mjs")
KEY = os.urandom(32)
MEASURED = {
    "신장": "171.3",
    "체중": "69.2",
    "체질량지수": "23.6",
    "허리둘레": "82",
    "혈압(최고/최저)": "118/76",
    "공복혈당": "94",
    "총콜레스테롤": "182",
    "HDL콜레스테롤": "55",
    "LDL콜레스테롤": "101",
    "중성지방": "130",
    "혈색소": "14.2",
    "혈청크레아티닌": "0.9",
    "신사구체여과율": "97",
    "AST(SGOT)": "22",
    "ALT(SGPT)": "19",
    "감마지티피(γ-GTP)": "31",
    "요단백": "음성",
    "폐결핵": "정상 <의심 없음> & 끝",
}
STAY = {
    "RetrieveTreatmentInjectionInformationPersonDetailList": [],
    "JinRyoHyungTae": "일반입원",
    "ByungEuiwonYakGukMyung": "한빛병원",
}


def run_browser(**given: Any) -> dict[str, Any]:
    command = [ROOT / "dev" / "scripts" / "with-node", "node", SCRIPT]
    asked = json.dumps({"key": encode(KEY)} | given)
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=60, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def records_of(person: Person) -> dict[str, Any]:
    """As the page reads them."""
    path = f"/patients/{person.patient_uuid}"
    found = person.ask("GET", f"{path}/checkups").json
    treatments = person.ask("GET", f"{path}/prescriptions").json["items"]
    return {
        "person": found["person"],
        "checkups": found["items"],
        "treatments": treatments,
        "collectedAt": found["collected_at"],
    }


def of_kind(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


@pytest.fixture
def records(app: Flask) -> dict[str, Any]:
    person = arrive(app, user_name="도레미", phone_no="01055556666")
    drug = {"ChoBangYakPumMyung": "가나정500mg", "ChoBangYakPumHyoneung": "해열제", "TuyakIlSoo": "3"}
    given = {"RetrieveTreatmentInjectionInformationPersonDetailList": [drug, {"ChoBangYakPumMyung": "다라정"}]}
    stays = [treatment(**given), treatment(day="2024-05-01", idx="2", **STAY)]
    collect(app, person, [checkup(**MEASURED), checkup("2024년", "03/02", location="")], stays)
    return records_of(person)


def test_stored_records_are_a_valid_document_by_three_judges(records: dict[str, Any]):
    bundle = run_browser(records=records)["bundle"]
    assert find_faults([bundle]) == []
    assert (bundle["type"], bundle["entry"][0]["resource"]["resourceType"]) == ("document", "Composition")
    kinds = [one["resource"]["resourceType"] for one in bundle["entry"]]
    assert {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)} == {
        "Composition": 1,
        "Patient": 1,
        "Organization": 4,
        "MedicationStatement": 2,
        "Observation": 22,
        "Encounter": 1,
        "Provenance": 4,
    }


def test_the_document_has_the_sections_of_a_patient_summary(records: dict[str, Any]):
    [composition] = of_kind(run_browser(records=records)["bundle"], "Composition")
    assert composition["type"]["coding"][0]["code"] == "60591-5"
    sections = {one["code"]["coding"][0]["code"]: one for one in composition["section"]}
    assert {code: len(one.get("entry", [])) for code, one in sections.items()} == {
        "10160-0": 2,
        "48765-2": 0,
        "11450-4": 0,
        "30954-2": 14,
        "8716-3": 8,
        "46240-8": 1,
    }
    assert sections["48765-2"]["emptyReason"]["coding"][0]["code"] == "unavailable"


def test_measurements_are_coded_and_words_stay_the_insurers(records: dict[str, Any]):
    found = of_kind(run_browser(records=records)["bundle"], "Observation")
    by_code = {one["code"]["coding"][0]["code"]: one for one in found if "coding" in one["code"]}
    assert by_code["2160-0"]["valueQuantity"] == {
        "value": 0.9,
        "unit": "mg/dL",
        "system": "http://unitsofmeasure.org",
        "code": "mg/dL",
    }
    pressure = {
        one["code"]["coding"][0]["code"]: one["valueQuantity"]["value"] for one in by_code["85354-9"]["component"]
    }
    assert pressure == {"8480-6": 118, "8462-4": 76}
    words = {one["code"]["text"]: one["valueString"] for one in found if "valueString" in one}
    assert words == {"요단백": "음성", "폐결핵": "정상 <의심 없음> & 끝"}
    [gfr] = [one for one in found if one["code"]["text"].startswith("신사구체")]
    assert ("coding" in gfr["code"], gfr["valueQuantity"]["value"]) == (False, 97)


def test_medicines_have_the_code_that_the_insurer_tells_and_no_other(records: dict[str, Any]):
    drugs = ["N02BE01", " J01CA04 ", "N02B", "[N02BE01] 파라세타몰", "", None]
    details = [{"ChoBangYakPumMyung": "가나정", "RetrieveMdsupDtlInfo": {"AtcInfo": told}} for told in drugs]
    treatments = [{"id": 1, "treatment_date": "2024-03-02", "treatment_type": "처방조제", "details": details}]
    bundle = run_browser(records=records | {"treatments": treatments})["bundle"]
    assert find_faults([bundle]) == []
    coded = [one["medicationCodeableConcept"].get("coding") for one in of_kind(bundle, "MedicationStatement")]
    atc = "http://www.whocc.no/atc"
    assert coded == [[{"system": atc, "code": "N02BE01"}], [{"system": atc, "code": "J01CA04"}], None, None, None, None]


def test_of_what_has_no_day_it_is_said_that_it_is_not_known(records: dict[str, Any]):
    """A patient summary wants a day of each medicine and result, or why there is none."""
    undated = {
        "checkups": [{"id": 1, "year": None, "checkup_date": None, "location": "", "hemoglobin_g_dl": 14.2}],
        "treatments": [{"id": 1, "treatment_date": None, "details": [{"ChoBangYakPumMyung": "가나정"}]}],
    }
    bundle = run_browser(records=records | undated)["bundle"]
    assert find_faults([bundle]) == []
    found = [*of_kind(bundle, "Observation"), *of_kind(bundle, "MedicationStatement")]
    assert len(found) == 2
    for one in found:
        assert "effectiveDateTime" not in one
        [reason] = one["_effectiveDateTime"]["extension"]
        assert (reason["url"].rpartition("/")[2], reason["valueCode"]) == ("data-absent-reason", "unknown")


def test_all_that_is_told_leads_back_to_the_providers_answer(records: dict[str, Any]):
    bundle = run_browser(records=records)["bundle"]
    provenances = of_kind(bundle, "Provenance")
    targets = [one["reference"] for source in provenances for one in source["target"]]
    told = [
        one["fullUrl"]
        for one in bundle["entry"]
        if one["resource"]["resourceType"] in {"Observation", "MedicationStatement", "Encounter"}
    ]
    assert sorted(targets) == sorted(told)
    sources = [one["entity"][0]["what"]["identifier"] for one in provenances]
    stored = [*records["checkups"], *records["treatments"]]
    assert [int(one["value"]) for one in sources] == [one["id"] for one in stored]
    assert {one["agent"][0]["who"]["display"] for one in provenances} == {"국민건강보험공단"}


def test_each_reference_leads_to_an_entry(records: dict[str, Any]):
    bundle = run_browser(records=records)["bundle"]
    known = {one["fullUrl"] for one in bundle["entry"]}
    assert len(known) == len(bundle["entry"])
    found = set(_references(bundle))
    assert found <= known
    # Nothing in a document that its composition does not lead to, but who tells of it.
    provenance = {one["fullUrl"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Provenance"}
    assert known - found == {bundle["entry"][0]["fullUrl"], *provenance}


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [one for item in value for one in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["reference"]] if isinstance(value.get("reference"), str) else []
    return own + [one for item in value.values() for one in _references(item)]


@pytest.mark.parametrize(
    "changes",
    [
        {"checkups": [], "treatments": []},
        {"checkups": [{"id": 1, "year": None, "checkup_date": None, "location": " ", "items": None}]},
        {"checkups": [{"id": 1, "year": 2019, "checkup_date": None, "location": "a\x00\x07b", "weight_kg": 0.5}]},
        {"checkups": [{"id": 1, "checkup_date": "2024-03-02", "location": "", "systolic_mmhg": 120, "items": []}]},
        {"checkups": [{"id": 1, "year": 2024, "checkup_date": None, "location": "", "diastolic_mmhg": 80}]},
        {"treatments": [{"id": 1, "details": [{}, {"ChoBangYakPumMyung": " "}], "treatment_type": ""}]},
        {"person": {"name": '<b>"이름"</b>', "birthdate": "1984-05-17", "gender": None}},
    ],
)
def test_sparse_and_odd_records_are_valid_too(records: dict[str, Any], changes: dict[str, Any]):
    assert find_faults([run_browser(records=records | changes)["bundle"]]) == []


@pytest.mark.parametrize(
    ("name", "kind", "sent_at"),
    [("흉부.png", "image/png", "2026-11-26T00:00:00Z"), (" ", "", None), ("a\x00b", "x", None)],
)
def test_a_file_that_is_no_record_is_valid_too(name: str, kind: str, sent_at: str | None):
    told = run_browser(attached={"name": name, "type": kind, "sentAt": sent_at, "text": "가나다"})["attachment"]
    assert find_faults([told]) == []
    assert base64.b64decode(told["content"][0]["attachment"]["data"]).decode() == "가나다"


def test_records_as_the_service_sends_them_to_a_thread_are_a_valid_document(app: Flask, records: dict[str, Any]):
    sessions = parts(app).stores.sessions
    with sessions() as session:
        [patient_uuid] = session.scalars(select(Patient.uuid)).all()
    sent = {
        kind: list(read_records(sessions, patient_uuid, kind)) for kind in (SentKind.CHECKUPS, SentKind.PRESCRIPTIONS)
    }
    told = {kind: [json.loads(one.to_json()) for one in found] for kind, found in sent.items()}
    as_page = {
        kind: [one["record"] | {"id": one["id"], "collectedAt": one["updatedAt"]} for one in found]
        for kind, found in told.items()
    }
    given = {"checkups": as_page[SentKind.CHECKUPS], "treatments": as_page[SentKind.PRESCRIPTIONS]}
    bundle = run_browser(records={"person": records["person"]} | given)["bundle"]
    assert find_faults([bundle]) == []
    of_the_page = run_browser(records=records)["bundle"]
    for kind in ("Observation", "MedicationStatement", "Encounter", "Provenance"):
        assert len(of_kind(bundle, kind)) == len(of_kind(of_the_page, kind)) > 0


def test_what_the_browser_encrypts_opens_here_and_the_other_way_round(records: dict[str, Any]):
    text = "가나다".encode() * 1000
    files = [encrypt(KEY, text), encrypt(KEY, text, deflate=True)]
    payload = {"url": "https://welno.example/api/shl/x", "flag": "LP", "key": encode(KEY), "label": "검진"}
    told = run_browser(records=records, files=files, payload=payload)
    for name, packed in (("plain", False), ("deflated", True)):
        head, opened = decrypt(KEY, told[name])
        assert ("zip" in head, json.loads(opened)) == (packed, told["bundle"])
    assert [one["text"].encode() for one in told["opened"]] == [text, text]
    assert (read_link(told["link"]), told["link"]) == (payload, write_link(payload))
