"""What fields make of what is sent."""

from datetime import UTC, datetime

import pytest
from marshmallow import ValidationError

from core.clock import clock
from webapp.api.fields import Birthdate, Moment

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_a_moment_with_an_odd_offset_becomes_utc():
    given = Moment("다시 보내 주세요.").deserialize("2025-03-24T00:48:24+23:16")
    assert given == datetime(2025, 3, 23, 1, 32, 24, tzinfo=UTC)
    assert given.utcoffset() == NOW.utcoffset()


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1899-01-01T00:00:00Z"])
def test_a_moment_that_no_database_takes_is_refused(text: str):
    with pytest.raises(ValidationError, match="다시"):
        Moment("다시 보내 주세요.").deserialize(text)


def test_today_is_a_birthdate_and_tomorrow_is_none():
    with clock.frozen(NOW):
        assert Birthdate().deserialize("20261121") == NOW.date()
        with pytest.raises(ValidationError):
            Birthdate().deserialize("2026-11-22")
