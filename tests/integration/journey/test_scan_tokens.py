"""A scan token is one person's, who may show it again; it is forgotten when its time is over."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.journey.scan_tokens import ScanTokenTaken, claim_scan_token, forget_scan_tokens
from tests.integration.journey.ward import Ward


def claim(ward: Ward, token_id: UUID, user_id: UUID, hours: float = 0.5) -> None:
    """Its time is over so many hours from now, by the clock of PostgreSQL."""
    now = datetime.now(UTC)
    with ward.stores.sessions.begin() as session:
        claim_scan_token(session, token_id, user_id, now=now, expires_at=now + timedelta(hours=hours))


def test_who_has_claimed_it_may_come_again_and_nobody_else(ward: Ward):
    token_id, first, second = uuid4(), ward.patient(), ward.patient()
    claim(ward, token_id, first.user_id)
    claim(ward, token_id, first.user_id)
    with pytest.raises(ScanTokenTaken):
        claim(ward, token_id, second.user_id)


def test_those_whose_time_is_over_are_forgotten(ward: Ward):
    held, over, patient = uuid4(), uuid4(), ward.patient()
    claim(ward, held, patient.user_id)
    claim(ward, over, patient.user_id, hours=-0.5)
    with ward.stores.sessions.begin() as session:
        assert forget_scan_tokens(session) == 1
    assert [row.jti for row in ward.rows("select jti from welno.scan_tokens")] == [held]
