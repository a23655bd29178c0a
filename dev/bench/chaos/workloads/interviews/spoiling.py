"""In which ways MISO fails: held before and after the bill, cut, slow, busy, broken, or with another end."""

import random
from typing import Any

# Of both, the workflow's call and what looks for its answer.
ENDPOINTS = ("workflows/run", "workflows/logs")
_SPOILT: tuple[dict[str, Any], ...] = (
    {"status": 503},
    {"status": 500},
    {"status": 502, "html": True},
    {"status": 504, "html": True, "while_running": True},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 400, "code": "invalid_param"},
    {"malformed": True},
    {"cut": "before"},
    {"cut": "during"},
    {"cut": "before", "while_running": True},
)
_OF_WORKFLOWS: tuple[dict[str, Any], ...] = (
    {"workflow_status": "failed"},
    {"workflow_status": "partial-succeeded"},
    {"outputs": "truncated"},
    {"outputs": "not_json"},
    {"outputs": "double"},
    {"outputs": "fenced"},
    # Longer than its call is waited for, and longer than its answer is looked for.
    {"workflow_seconds": 8},
    {"workflow_seconds": 20},
)
_HELD_SHARE, _SPOILT_SHARE, _OF_WORKFLOWS_SHARE = 0.2, 0.25, 0.15


def choose_fault(rng: random.Random, path: str) -> dict[str, Any]:
    chance = rng.random()
    if chance < _HELD_SHARE:
        return {"hold": rng.choice(("before", "after"))}
    if chance < _HELD_SHARE + _SPOILT_SHARE:
        return rng.choice(_SPOILT)
    if chance < _HELD_SHARE + _SPOILT_SHARE + _OF_WORKFLOWS_SHARE and path == ENDPOINTS[0]:
        return rng.choice(_OF_WORKFLOWS)
    return {"delay_seconds": round(rng.uniform(0.2, 1.5), 2)}
