"""In which ways the providers of a collection fail: delays, held calls, cut connections, broken answers."""

import random
from typing import Any

ENDPOINTS = (
    "simpleauthrequest",
    "logincheck",
    "ggpab003m0105",
    "retrievetreatment",
    "mediarc/predict",
    "getpublickey",
)
# Records and reports that break off may have been paid for: they are parked for people, who are none here.
_MALFORMED = {"malformed": True}
_SPOILT: tuple[dict[str, Any], ...] = (
    {"status": 503},
    {"status": 502, "html": True},
    {"status": 429, "headers": {"Retry-After": "1"}},
    _MALFORMED,
    {"cut": "before"},
    {"cut": "during"},
)
_PAID = frozenset({"ggpab003m0105", "retrievetreatment", "mediarc/predict"})
_HELD_SHARE, _SPOILT_SHARE = 0.2, 0.25


def choose_fault(rng: random.Random, path: str) -> dict[str, Any]:
    fault = _choose(rng)
    return {"status": 503} if fault == _MALFORMED and path in _PAID else fault


def _choose(rng: random.Random) -> dict[str, Any]:
    chance = rng.random()
    if chance < _HELD_SHARE:
        return {"hold": rng.choice(("before", "after"))}
    if chance < _HELD_SHARE + _SPOILT_SHARE:
        return rng.choice(_SPOILT)
    return {"delay_seconds": round(rng.uniform(0.2, 1.5), 2)}
