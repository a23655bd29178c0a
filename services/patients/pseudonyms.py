"""Pseudonyms: what stands for a person, a phone, a session or a member of staff where they must not be named."""

import hashlib
import hmac
from enum import StrEnum


class PseudonymOf(StrEnum):
    """Of what; the same text under two of these has two pseudonyms."""

    PATIENT = "person"
    SESSION = "session"
    EXPORT = "export"
    HEALTH_LINK = "health_link"
    STAFF = "staff"
    PROCESS = "process"
    PHONE = "phone"
    JOURNEY_PHONE = "journey_phone"
    JOURNEY_LOGIN = "journey_login"
    VISITOR = "visitor"
    PUSH_ENDPOINT = "push_endpoint"


def pseudonym_of(key: str, kind: PseudonymOf, name: object) -> str:
    """128 bits, equal for equal names; nobody comes back from it to the name, or tries names, without the key."""
    return hmac.new(key.encode(), f"{kind}\x1f{name}".encode(), hashlib.sha256).hexdigest()[:32]
