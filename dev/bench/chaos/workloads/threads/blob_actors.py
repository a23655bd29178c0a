"""What members do with larger things: put parts, break off, go on, tell that it is whole, and read each other's."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.workloads.threads.actors import PUSH
from dev.bench.chaos.workloads.threads.members import BenchMember
from dev.bench.chaos.workloads.threads.thread_history import Receipt
from services.threads.encoding import hash_bytes

_WEIGHTS = {"begin": 15, "go on": 50, "put again": 8, "give up": 4, "read": 23}
_PARTS, _PART_BYTES = (1, 4), (1_000, 60_000)
_MOST_OPEN = 3
_CUT = 0.3
_ANNOUNCEMENT_BYTES = 200


@dataclass(eq=False)
class PlannedBlob:
    """What its member wants to put up, and how far they are. `announcement` is the envelope that tells of it."""

    path: str
    id: str
    parts: list[bytes] = field(repr=False)
    put: set[int] = field(default_factory=set)
    is_complete: bool = False
    announcement: dict[str, Any] | None = None

    @property
    def content(self) -> bytes:
        return b"".join(self.parts)

    @property
    def hash(self) -> str:
        return hash_bytes(self.content)


@dataclass
class BlobActor:
    """`announced` are shared by all who read them in this thread."""

    member: BenchMember
    thread_id: str
    announced: list[PlannedBlob]
    completed: list[PlannedBlob] = field(default_factory=list)
    given_up: list[PlannedBlob] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: dict[str, Receipt] = field(default_factory=dict)
    oddities: list[str] = field(default_factory=list)
    _open: list[PlannedBlob] = field(default_factory=list)
    _acted_on: tuple[PlannedBlob, int] | None = None

    @property
    def token(self) -> str:
        return self.member.token

    def next_request(self, rng: random.Random) -> ActorRequest:
        wish = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if wish == "read" and self.announced:
            return self._read(rng.choice(self.announced))
        if wish == "give up" and len(self._open) > 1:
            self.given_up.append(self._open.pop(rng.randrange(len(self._open))))
        if not self._open or (wish == "begin" and len(self._open) < _MOST_OPEN):
            self._open.append(self._plan(rng))
            return self._put(self._open[-1], 1, rng)
        blob = rng.choice(self._open)
        if wish == "put again" and blob.put:
            return self._put(blob, rng.choice(sorted(blob.put)), rng)
        return self._go_on(blob, rng)

    def note_answer(self, request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        if self._acted_on is None:
            raise AssertionError("whoever is answered has asked")
        blob, number = self._acted_on
        if status not in {200, 206}:
            self.oddities.append(f"{request.method} {request.path} was answered by {status}")
        elif request.method == "PUT":
            blob.put.add(number)
        elif request.method == "GET":
            if body["content"] != blob.content:
                self.oddities.append(f"{blob.id} was read as something else")
        elif request.path == PUSH:
            self._note_announced(blob, body["results"][0])
        else:
            blob.is_complete = True
            self.completed.append(blob)

    def _plan(self, rng: random.Random) -> PlannedBlob:
        blob_id = str(uuid4())
        parts = [rng.randbytes(rng.randint(*_PART_BYTES)) for _ in range(rng.randint(*_PARTS))]
        return PlannedBlob(f"/api/threads/{self.thread_id}/blobs/{blob_id}", blob_id, parts)

    def _go_on(self, blob: PlannedBlob, rng: random.Random) -> ActorRequest:
        """From where it was cut."""
        missing = [number for number in range(1, len(blob.parts) + 1) if number not in blob.put]
        if missing:
            return self._put(blob, missing[0], rng)
        self._acted_on = blob, 0
        if not blob.is_complete:
            return ActorRequest(f"{blob.path}/complete", {"parts": len(blob.parts), "sealedHash": blob.hash})
        blob.announcement = self.member.device.envelope(self.thread_id, _ANNOUNCEMENT_BYTES)
        self.sent.append(blob.announcement)
        return ActorRequest(PUSH, {"envelopes": [blob.announcement]})

    def _put(self, blob: PlannedBlob, number: int, rng: random.Random) -> ActorRequest:
        self._acted_on = blob, number
        path, octets = f"{blob.path}/parts/{number}", blob.parts[number - 1]
        return ActorRequest(path, method="PUT", octets=octets, is_cut=rng.random() < _CUT)

    def _read(self, blob: PlannedBlob) -> ActorRequest:
        self._acted_on = blob, 0
        return ActorRequest(blob.path, method="GET")

    def _note_announced(self, blob: PlannedBlob, result: dict[str, Any]) -> None:
        self._open.remove(blob)
        if result["status"] == "rejected":
            self.oddities.append(f"{blob.id} could not be told of: {result['code']}")
            return
        self.acknowledged[result["dedupeId"]] = Receipt(result["threadId"], result["seq"])
        self.announced.append(blob)
