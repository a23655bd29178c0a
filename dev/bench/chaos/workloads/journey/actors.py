"""What patients and desks do next: mostly what is possible, and now and then what is not."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.workloads.journey.hospital import EXAMS, TAG_CODE, ActorLogin
from models.journey.states import PATIENT_ACTIONS

PERFORM = "/patient-journey/perform-action/"
CALL = "/queue/medical/call-patient/"
_SENSIBLE_SHARE = 0.8
_STAFF_ACTIONS = ("start_exam", "complete_exam", "complete_exam", "mark_no_show", "cancel_appointment")
_LINE_ACTIONS = ("recall", "undo-call", "delay", "priority", "transfer")
_MOST_KNOWN = 30


@dataclass
class PatientActor:
    """Knows of themselves what the last answer told."""

    login: ActorLogin
    available: list[str] = field(default_factory=lambda: ["scan_nfc"])

    @property
    def token(self) -> str:
        return self.login.token

    def next_request(self, rng: random.Random) -> ActorRequest:
        is_sensible = self.available and rng.random() < _SENSIBLE_SHARE
        action = rng.choice(self.available if is_sensible else [str(one) for one in PATIENT_ACTIONS])
        payloads = {"scan_nfc": {"tag_code": TAG_CODE}, "confirm_arrival": {"exam_id": rng.choice(EXAMS)}}
        return ActorRequest(PERFORM, {"action_type": action, "payload": payloads.get(action, {})})

    def note_answer(self, _request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        if status < 300:
            self.available = list(body["available_actions"])
        elif "available_actions" in (details := body.get("error", {}).get("details") or {}):
            self.available = list(details["available_actions"])


@dataclass
class DeskActor:
    """Knows whom it has called lately: pairs of user and entry."""

    login: ActorLogin
    known: list[tuple[str, str]] = field(default_factory=list)

    @property
    def token(self) -> str:
        return self.login.token

    def next_request(self, rng: random.Random) -> ActorRequest:
        if not self.known or rng.random() < 0.5:
            return ActorRequest(CALL, {"exam_id": rng.choice(EXAMS)})
        user_id, queue_id = rng.choice(self.known)
        if rng.random() < 0.3:
            return self._of_line(rng, queue_id)
        action = rng.choice(_STAFF_ACTIONS)
        payload = {"queue_id": queue_id} | ({"reason": "시연"} if action == "cancel_appointment" else {})
        return ActorRequest(PERFORM, {"action_type": action, "patient_id": user_id, "payload": payload})

    def note_answer(self, request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        if request.path == CALL and status < 300:
            self.known = [*self.known[-_MOST_KNOWN:], (body["patient"]["user_id"], body["queue"]["queue_id"])]

    def _of_line(self, rng: random.Random, queue_id: str) -> ActorRequest:
        action = rng.choice(_LINE_ACTIONS)
        bodies: dict[str, dict[str, Any]] = {
            "delay": {"delayed": rng.random() < 0.5},
            "priority": {"priority": rng.randrange(4), "reason": "elderly"},
            "transfer": {"exam_id": rng.choice(EXAMS), "reason": "시연"},
        }
        return ActorRequest(f"/queue/{UUID(queue_id)}/{action}", bodies.get(action, {}))
