"""Names are read strictly."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from spool import AnswerKind, DataType, UnknownFile
from spool.names import (
    FileName,
    build_stamp,
    check_session,
    import_order,
    incoming_name,
    is_package_name,
    parse_name,
    read_incoming_name,
    read_name,
)

SESSION = "3f9c1a2b-0d4e-4f6a-8b7c-9d0e1f2a3b4c"
STAMP = "20261121T030405678901Z"
GOOD = f"{STAMP}_{SESSION}_health_data.json"
BAD = [
    "",
    GOOD + ".why",
    GOOD + "\n",
    "../" + GOOD,
    GOOD.replace("2026", "２０２６"),
    GOOD.replace("1121", "1321"),
    GOOD.replace("1121", "0230"),
    GOOD.replace("T03", "T24"),
    GOOD.replace("health", "other"),
    GOOD.replace("3f9c", "3F9C"),
]


def test_name_survives_the_way_there_and_back() -> None:
    parsed = parse_name(GOOD)
    assert parsed == FileName(STAMP, SESSION, DataType.HEALTH)
    assert (str(parsed), parsed.created_at) == (GOOD, datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC))


@pytest.mark.parametrize("name", BAD)
def test_any_other_name_is_refused(name: str) -> None:
    assert read_name(name) is None
    with pytest.raises(UnknownFile):
        parse_name(name)


def test_stamp_is_in_utc_whatever_the_zone() -> None:
    seoul = datetime(2026, 11, 21, 12, 4, 5, 678901, tzinfo=timezone(timedelta(hours=9)))
    assert build_stamp(seoul) == STAMP


def test_order_is_session_then_patient_health_prescription() -> None:
    later = [f"20261122T030405678901Z_{SESSION}_{data_type}.json" for data_type in DataType]
    earlier = [f"{STAMP}_{SESSION}_{data_type}.json" for data_type in DataType]
    assert sorted([*later[::-1], *earlier[::-1]], key=import_order) == [*earlier, *later]


def test_raw_answers_in_failed_are_no_packages() -> None:
    raw = GOOD.replace(".json", ".raw")
    assert read_name(raw) is not None
    assert (is_package_name(raw), is_package_name(GOOD)) == (False, True)


def test_incoming_names_are_read_back() -> None:
    name = incoming_name(SESSION, AnswerKind.HEALTH)
    assert read_incoming_name(name) == (SESSION, AnswerKind.HEALTH)
    assert read_incoming_name(f"x{name}") is None


@pytest.mark.parametrize("session_id", ["", "x", SESSION.upper(), f"{{{SESSION}}}", f"urn:uuid:{SESSION}", None, 7])
def test_only_canonical_session_ids_pass(session_id: str) -> None:
    with pytest.raises(UnknownFile):
        check_session(session_id)
