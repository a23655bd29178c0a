"""From the request on the phone to the report, against the sandbox, which shares no code with the clients."""

import json
from dataclasses import asdict, fields
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from tests.plain_http import NO_TLS
from upstream.http.exchange import PaidCall
from upstream.mediarc.client import MediarcClient
from upstream.mediarc.mapping import CheckupValues, Subject, build_report_request, choose_checkup
from upstream.tilko import records
from upstream.tilko.client import TilkoClient
from upstream.tilko.codec import TilkoPerson
from upstream.tilko.errors import NotApproved, NotRegistered, TilkoMisconfigured, WrongPersonalData


@pytest.fixture
def tilko(sandbox_url, demo_env):
    httpx.post(f"{sandbox_url}/control/reset", trust_env=False, verify=NO_TLS).raise_for_status()
    client = TilkoClient(sandbox_url, demo_env["TILKO_API_KEY"])
    yield client
    client.close()


def approve(sandbox_url, cx_id):
    httpx.post(
        f"{sandbox_url}/control/approve", json={"CxId": cx_id}, trust_env=False, verify=NO_TLS
    ).raise_for_status()


def to_values(record):
    wanted = {field.name for field in fields(CheckupValues)}
    measured = {name: value for name, value in asdict(record.measurements).items() if name in wanted}
    return CheckupValues(year=record.year, checkup_date=record.checkup_date, **measured)


def test_person_is_collected_and_reported(tilko, sandbox_url, demo_env):
    person = TilkoPerson("김하늘", "19840517", "01000000001", "0")
    tokens = tilko.request_simple_auth(person)
    for _ in range(4):  # each of the sandbox's ways to say "not yet"
        with pytest.raises(NotApproved):
            tilko.fetch_checkups(person, tokens)
    approve(sandbox_url, tokens.cx_id)
    kept = []
    answer = tilko.fetch_checkups(person, tokens, PaidCall(keep=kept.append))
    checkups = records.checkups(json.loads(kept[0].body))
    assert len(checkups) == answer.count == 10
    assert all(record.checkup_date for record in checkups)
    today = datetime.now(UTC).date()
    days = (today - timedelta(days=420), today - timedelta(days=60))
    treated = tilko.fetch_treatments(person, tokens, *days, PaidCall(keep=kept.append))
    treatments = records.treatments(json.loads(kept[1].body))
    assert len(treatments) == treated.count > 0
    assert all(record.treatment_date and record.hospital_name for record in treatments)
    report = order_report(demo_env, [to_values(record) for record in checkups])
    assert report.report_url
    assert report.diseases


def order_report(demo_env, values):
    subject = Subject(name="김하늘", birth_date=date(1984, 5, 17), sex="M")
    payload = build_report_request(subject, choose_checkup(values), tid="TM_WELNO_test")
    mediarc = MediarcClient(demo_env["MEDIARC_API_URL"], demo_env["MEDIARC_API_KEY"])
    try:
        return mediarc.order_report(payload)
    finally:
        mediarc.close()


@pytest.mark.parametrize(
    ("person", "error"),
    [
        (TilkoPerson("김하눌", "19840517", "01000000001", "0"), WrongPersonalData),
        (TilkoPerson("김하늘", "19840518", "01000000001", "0"), WrongPersonalData),
        (TilkoPerson("김하늘", "19840517", "01000000009", "0"), WrongPersonalData),
        (TilkoPerson("구름", "19700101", "01099999999", "0"), WrongPersonalData),
        (TilkoPerson("정새벽", "19961009", "01000000005", "1"), NotRegistered),
    ],
)
def test_persons_who_do_not_fit_are_told_apart(tilko, person, error):
    with pytest.raises(error):
        tilko.request_simple_auth(person)


def test_nobody_ever_examined_has_no_records(tilko, sandbox_url):
    person = TilkoPerson("박가온", "19780228", "01000000003", "0")
    tokens = tilko.request_simple_auth(person)
    approve(sandbox_url, tokens.cx_id)
    assert tilko.fetch_checkups(person, tokens).count == 0


def test_unknown_api_key_is_our_configuration(sandbox_url):
    client = TilkoClient(sandbox_url, "unknown")
    with pytest.raises(TilkoMisconfigured):
        client.request_simple_auth(TilkoPerson("김하늘", "19840517", "01000000001", "0"))
    client.close()
