"""What patients do who have their stored records sent into a thread: ask, ask again as after a lost answer, look."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.workloads.threads.members import BenchMember

# As the route takes thirty an hour, and one whose answer was lost counts, too.
MOST_ASKS = 12
_ASKS, _ASKS_AGAIN = 0.4, 0.4
_WANTED = (["checkups"], ["checkups", "prescriptions"], ["prescriptions", "report"])


@dataclass
class RecordAsker:
    """`sendings` is the sending that each request was told to be, by its id. `oddities` are what they should not have
    been answered."""

    member: BenchMember
    thread_id: str
    sendings: dict[str, str] = field(default_factory=dict)
    oddities: list[str] = field(default_factory=list)
    _asked: list[Mapping[str, Any]] = field(default_factory=list)
    _asks: int = 0

    @property
    def token(self) -> str:
        return self.member.token

    def next_request(self, rng: random.Random) -> ActorRequest:
        if self._asks >= MOST_ASKS or (self._asks and rng.random() > _ASKS):
            return ActorRequest(f"/api/threads/{self.thread_id}/recent?limit=5", method="GET")
        self._asks += 1
        if not self._asked or rng.random() > _ASKS_AGAIN:
            self._asked.append({"what": rng.choice(_WANTED), "requestId": str(uuid4())})
        return ActorRequest(f"/api/threads/{self.thread_id}/send-records", rng.choice(self._asked))

    def note_answer(self, request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        if request.method == "GET":
            if status != 200:
                self.oddities.append(f"{request.path} of their own was answered by {status}")
        elif status != 202:
            self.oddities.append(f"records were answered by {status}")
        else:
            asked_as, told = request.body["requestId"], body["sendingId"]
            if self.sendings.setdefault(asked_as, told) != told:
                self.oddities.append(f"{asked_as} was told to be {self.sendings[asked_as]} and {told}")
