"""What the claims of a token of ours look like, whoever reads them."""

import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

# PyJWT goes by the host's own clock: a token of a web process whose clock is ahead is valid in the others for this long
# before it was issued, and any token for this long after its end. No login lasts longer by it: that is PostgreSQL's.
LEEWAY_SECONDS = 120
_TEXTS, _OPTIONAL_TEXTS = ("sub", "jti", "role"), ("scope", "type")
_MOMENTS, _OPTIONAL_MOMENTS = ("iat", "exp"), ("issued_at",)
_OPTIONAL_IDS = ("sid", "session")
_TEXT_MAX_CHARACTERS = 200
# Of the year 10000, which no datetime can tell.
_MOMENTS_END = 253_402_300_800


def is_well_formed(claims: Mapping[str, Any]) -> bool:
    """Whether each claim that is read anywhere is there, if it has to be, and is of its kind. A signature proves that
    the secret's holder signed: another version, a script, or whoever has stolen it; and not what."""
    checks = (
        *(_is_text(claims.get(name)) for name in _TEXTS),
        *(_is_moment(claims.get(name)) for name in _MOMENTS),
        *(_is_text(claims[name]) for name in _OPTIONAL_TEXTS if name in claims),
        *(_is_moment(claims[name]) for name in _OPTIONAL_MOMENTS if name in claims),
        *(_is_id(claims[name]) for name in _OPTIONAL_IDS if name in claims),
    )
    return all(checks)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _TEXT_MAX_CHARACTERS and "\x00" not in value


def _is_moment(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value < _MOMENTS_END  # type: ignore[arg-type, operator]


def _is_id(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        UUID(value)
    except ValueError:
        return False
    return True
