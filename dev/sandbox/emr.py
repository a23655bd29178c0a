"""A hospital's own system as its clients see it: takes what a thing is now, by PUT, for exams that it knows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from dev.sandbox.errors import BadInputError
from dev.sandbox.exchange import Exchange
from dev.sandbox.inputs import Fields, read_text
from dev.sandbox.replies import NOT_FOUND, Reply, json_reply
from dev.sandbox.world import World

EMR_PREFIX = "/emr/"
_HOSPITAL = Path(__file__).with_name("hospital.json")
_ENTITIES = {"appointment": "appointment_id", "queue": "queue_id", "visit": "visit_id"}


def _read_exams() -> frozenset[str]:
    hospital: dict[str, Any] = orjson.loads(_HOSPITAL.read_bytes())
    return frozenset(exam["exam_id"] for exam in hospital["exams"])


@dataclass(frozen=True, slots=True)
class Emr:
    exam_ids: frozenset[str] = field(default_factory=_read_exams)

    def answer(self, world: World, exchange: Exchange) -> Reply:
        entity, _, entity_id = exchange.path.removeprefix(EMR_PREFIX).partition("/")
        if entity not in _ENTITIES:
            return NOT_FOUND
        if exchange.method != "PUT":
            return json_reply({"error": "method: must be PUT"}, 405)
        if exchange.body is None:
            return json_reply({"error": "body: must be a JSON object"}, 400)
        try:
            self._check(entity, entity_id, exchange.body)
        except BadInputError as refusal:
            return json_reply({"error": str(refusal)}, refusal.status)
        world.emr[f"{entity}/{entity_id}"] = exchange.body
        return json_reply({"stored": True})

    def _check(self, entity: str, entity_id: str, body: Fields) -> None:
        name = _ENTITIES[entity]
        if read_text(body, name) != entity_id or not _is_uuid(entity_id):
            raise BadInputError(name, "must be the id of the address, a UUID")
        if not _is_uuid(read_text(body, "user_id")):
            raise BadInputError("user_id", "must be a UUID")
        if entity != "visit" and read_text(body, "exam_id") not in self.exam_ids:
            raise BadInputError("exam_id", "is no exam of this hospital")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
