"""What is published of the journey's states and actions, so that no client has a table of its own."""

import hashlib
import json
from typing import Any

from models.journey.states import (
    COMPUTED_ACTIONS,
    JOURNEY_OF_QUEUE,
    PATIENT_ACTIONS,
    PHASES,
    QUEUE_OF_JOURNEY,
    STAFF_ACTIONS,
    TRANSITIONS,
    JourneyState,
    QueueState,
)


def state_definitions() -> dict[str, Any]:
    """As JSON would have it, with a `version` that changes with the rest.

    `state_transitions` holds one target for each state and action; `transitions` tells also whose action it is.
    """
    by_state: dict[str, dict[str, str]] = {}
    for row in TRANSITIONS:
        by_state.setdefault(row.source, {})[str(row.action)] = str(row.target)
    definitions: dict[str, Any] = {
        "journey_states": _texts(JourneyState),
        "queue_states": _texts(QueueState),
        "patient_actions": _texts(PATIENT_ACTIONS),
        "staff_actions": _texts(STAFF_ACTIONS),
        "state_transitions": {str(state): by_state.get(state, {}) for state in JourneyState},
        "transitions": [
            {"from": str(row.source), "action": str(row.action), "actor": str(row.actor), "to": str(row.target)}
            for row in TRANSITIONS
        ],
        "computed_actions": {str(action): _texts(states) for action, states in COMPUTED_ACTIONS.items()},
        "phases": {str(phase): _texts(states) for phase, states in PHASES.items()},
        "mappings": {
            "queue_to_journey": {str(queue): str(journey) for queue, journey in JOURNEY_OF_QUEUE.items()},
            "journey_to_queue": {str(journey): str(queue) for journey, queue in QUEUE_OF_JOURNEY.items()},
        },
    }
    text = json.dumps(definitions, sort_keys=True)
    return definitions | {"version": hashlib.sha256(text.encode()).hexdigest()[:16]}


def _texts(names: Any) -> list[str]:
    return [str(name) for name in names]
