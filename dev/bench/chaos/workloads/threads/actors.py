"""What members do next: push, push once more what was pushed before, look, acknowledge, and try what is not theirs."""

import random
from dataclasses import dataclass, field
from typing import Any

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.workloads.threads.members import BenchMember
from dev.bench.chaos.workloads.threads.thread_history import Receipt

PUSH = "/api/threads/push-batch"
_LARGEST_BATCH, _PAYLOAD_BYTES = 12, (16, 4096)
_WEIGHTS = {"push": 50, "repeat": 20, "look": 12, "acknowledge": 12, "trespass": 6}
_NOT_THEIRS = "THREAD_NOT_FOUND"


@dataclass
class CorrespondentActor:
    """Writes to one thread; `others` are threads that they are not in. `trespasses` is what they were told of those,
    `oddities` what they should not have been answered."""

    member: BenchMember
    thread_id: str
    others: list[str]
    sent: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: dict[str, Receipt] = field(default_factory=dict)
    trespasses: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    duplicates: int = 0
    _foreign: set[str] = field(default_factory=set)

    @property
    def token(self) -> str:
        return self.member.token

    @property
    def list_path(self) -> str:
        return f"/api/threads/{self.thread_id}/recent?limit=5"

    def next_request(self, rng: random.Random) -> ActorRequest:
        wish = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if wish == "repeat" and self.sent:
            return ActorRequest(PUSH, {"envelopes": rng.sample(self.sent, min(len(self.sent), rng.randint(1, 5)))})
        if wish == "look":
            return ActorRequest(self.list_path, method="GET")
        if wish == "acknowledge" and self.acknowledged:
            seq = rng.choice(list(self.acknowledged.values())).seq
            return ActorRequest(f"/api/threads/{self.thread_id}/ack", {"seq": seq})
        if wish == "trespass" and self.others:
            return self._trespass(rng)
        new = [self._write(self.thread_id, rng) for _ in range(rng.randint(1, _LARGEST_BATCH))]
        self.sent += new
        # Whatever comes twice in a batch is one.
        return ActorRequest(PUSH, {"envelopes": new + new[: rng.randint(0, 1)]})

    def note_answer(self, request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        if request.path == PUSH and status == 200:
            for result in body["results"]:
                self._note_result(result)
        elif any(other in request.path for other in self.others):
            self._note_trespass(request, status)
        elif status != 200:
            self.oddities.append(f"{request.method} {request.path} of their own was answered by {status}")

    def _trespass(self, rng: random.Random) -> ActorRequest:
        other = rng.choice(self.others)
        if rng.random() < 0.5:
            return ActorRequest(f"/api/threads/{other}/recent", method="GET")
        envelope = self._write(other, rng)
        self._foreign.add(envelope["dedupeId"])
        return ActorRequest(PUSH, {"envelopes": [envelope]})

    def _write(self, thread_id: str, rng: random.Random) -> dict[str, Any]:
        return self.member.device.envelope(thread_id, rng.randint(*_PAYLOAD_BYTES))

    def _note_result(self, result: dict[str, Any]) -> None:
        dedupe_id = result["dedupeId"]
        if dedupe_id in self._foreign:
            if (result["status"], result.get("code")) != ("rejected", _NOT_THEIRS):
                self.trespasses.append(f"{dedupe_id} of another thread was answered by {result}")
            return
        if result["status"] == "rejected":
            self.oddities.append(f"{dedupe_id} was refused: {result['code']}")
            return
        self.duplicates += result["status"] == "duplicate"
        receipt = Receipt(result["threadId"], result["seq"])
        if self.acknowledged.setdefault(dedupe_id, receipt) != receipt:
            self.oddities.append(f"{dedupe_id} was acknowledged as {self.acknowledged[dedupe_id]} and {receipt}")

    def _note_trespass(self, request: ActorRequest, status: int) -> None:
        if status != 404:
            self.trespasses.append(f"{request.path} was answered by {status}")
