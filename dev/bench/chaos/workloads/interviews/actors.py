"""What members do next: upload, look, retry what failed, delete, restore, and try what is not theirs."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from dev.bench.chaos.acting_clients import ActorRequest
from dev.bench.chaos.workloads.interviews.research import MemberLogin

UPLOAD, RETRY = "/api/workflow/async", "/api/workflow/retry"
_SAID = (
    "결제 화면이 자꾸 멈춰서 답답했어요.",
    "쿠폰이 어디 있는지 몰라서 못 썼어요.",
    "알림이 먼저 왔으면 좋겠어요.",
    "주소를 매번 다시 넣는 게 번거로워요.",
)
_LINES = (3, 40)
_SUFFIXES = ("txt", "md", "csv")
# Not a document at all: it is uploaded, and its analysis fails.
_DAMAGED = ("damaged.docx", b"PK\x03\x04 no more of it")
_DAMAGED_SHARE = 0.1
_WEIGHTS = {"text": 30, "file": 15, "look": 20, "retry": 15, "delete": 8, "restore": 8, "trespass": 4}


@dataclass
class SharedProject:
    """What the members of a project know together: their interviews by what was last heard of them."""

    project_id: str
    accepted: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


@dataclass
class MemberActor:
    """`others` are projects of which they are no member; `trespasses` what they were shown or told of those."""

    login: MemberLogin
    project: SharedProject
    others: list[SharedProject]
    trespasses: list[str] = field(default_factory=list)
    _about: str = ""

    @property
    def token(self) -> str:
        return self.login.token

    @property
    def list_path(self) -> str:
        return f"/api/projects/{self.project.project_id}/interviews?limit=100"

    def next_request(self, rng: random.Random) -> ActorRequest:
        wish = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        self._about = self._choose(rng, wish)
        if wish in {"text", "file"} or not (self._about or wish == "look"):
            return self._upload(rng, is_file=wish == "file")
        if wish == "look":
            return ActorRequest(self.list_path, method="GET")
        if wish == "retry":
            return ActorRequest(RETRY, {"interviewId": self._about})
        if wish == "restore":
            return ActorRequest(f"/api/interviews/{self._about}/restore")
        method = rng.choice(("GET", "DELETE")) if wish == "trespass" else "DELETE"
        return ActorRequest(f"/api/interviews/{self._about}", method=method)

    def note_answer(self, request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        if self._about and self._about not in self.project.accepted:
            self._note_trespass(status)
        elif status >= 300:
            return
        elif request.path == UPLOAD:
            self.project.accepted.add(body["interview_id"])
        elif request.path == self.list_path:
            self._note_list(body["interviews"])
        elif request.path == RETRY:
            self.project.failed.discard(self._about)
        elif request.method == "DELETE":
            self.project.deleted.add(self._about)
        else:
            self.project.deleted.discard(self._about)

    def _choose(self, rng: random.Random, wish: str) -> str:
        """Which interview it is about; none where there is none."""
        known = {
            "retry": self.project.failed,
            "delete": self.project.accepted - self.project.deleted,
            "restore": self.project.deleted,
            "trespass": rng.choice(self.others).accepted if self.others else set(),
        }
        chosen = sorted(known.get(wish, ()))
        return rng.choice(chosen) if chosen else ""

    def _upload(self, rng: random.Random, *, is_file: bool) -> ActorRequest:
        said = "\n".join(f"P: {rng.choice(_SAID)} {uuid4().hex[:8]}" for _ in range(rng.randint(*_LINES)))
        fields = {"projectId": self.project.project_id}
        if not is_file:
            return ActorRequest(UPLOAD, fields | {"text": said})
        name = f"interview.{rng.choice(_SUFFIXES)}"
        return ActorRequest(UPLOAD, fields, file=_DAMAGED if rng.random() < _DAMAGED_SHARE else (name, said.encode()))

    def _note_list(self, interviews: list[dict[str, Any]]) -> None:
        for one in interviews:
            if one["project_id"] != self.project.project_id:
                self.trespasses.append(f"{one['id']} of {one['project_id']} is in {self.project.project_id}'s list")
        self.project.failed = {one["id"] for one in interviews if one["workflow_status"] == "failed"}

    def _note_trespass(self, status: int) -> None:
        if status != 404:
            self.trespasses.append(f"{self._about} of another project was answered by {status}")
