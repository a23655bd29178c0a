"""The signature of a webhook is the standard's."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.webhooks.signing import new_secret, signed_headers

SEOUL = timezone(timedelta(hours=9))
AT = datetime.fromtimestamp(1614265330, UTC)


@pytest.mark.parametrize("at", [AT, AT.astimezone(SEOUL)], ids=["utc", "seoul"])
def test_the_specifications_example_has_its_signature(at: datetime):
    """https://github.com/standard-webhooks/standard-webhooks, the libraries' tests."""
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    headers = signed_headers(secret, message, at, '{"test": 2432232314}')
    assert headers["webhook-id"] == message
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_differ_and_say_what_they_are():
    assert new_secret() != new_secret()
    assert new_secret().startswith("whsec_")
