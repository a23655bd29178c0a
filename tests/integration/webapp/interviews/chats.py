"""A persona, what interviews know of it, and a reader of its answers over a real connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from sqlalchemy.orm import Session

from models.interviews import PersonaCombination
from tests.integration.interviews.company import World, add_interview
from tests.waiting import wait_until

from .members import Member

CHAT = "/ext/v1/chat"
QUESTION = "결제할 때 어디에서 멈추셨나요?"


def add_persona(session: Session, company: UUID, code: str = "P9") -> UUID:
    persona = PersonaCombination(
        id=uuid4(), company_id=company, persona_code=code, title="바쁜 직장인", description="점심마다 주문한다"
    )
    session.add(persona)
    session.flush()
    return persona.id


def add_completed(
    session: Session, world: World, project: UUID, author: str, persona: UUID | None, said: str, **more: Any
) -> UUID:
    """A finished analysis in which every text begins with `said`."""
    result = {
        "key_takeaways": [f"{said} 알게 된 것"],
        "primary_pain_points": [{"description": f"{said} 아픈 곳", "evidence": []}],
        "primary_needs": [{"description": f"{said} 바라는 것", "evidence": []}],
    }
    values = {"status": "completed", "persona_combination_id": persona, **result, **more}
    return add_interview(session, world, project, author, **values)


class SandboxControl:
    """Faults and the ledger of the sandbox."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/control", timeout=10)
        self.reset()

    def reset(self) -> None:
        self._http.post("/reset")

    def fault(self, **fields: Any) -> str:
        answer = self._http.post("/faults", json={"path": CHAT, **fields})
        assert answer.status_code == 201, answer.text
        fault_id: str = answer.json()["fault_id"]
        return fault_id

    def calls(self, path: str = CHAT) -> list[dict[str, Any]]:
        found = self._http.get("/miso/calls", params={"path": path}).json()["calls"]
        return [call for call in found if call["path"].endswith(path)]

    def only_call(self) -> dict[str, Any]:
        (call,) = wait_until(self.calls)
        return call

    def close(self) -> None:
        self.reset()
        self._http.close()


@dataclass
class Answer:
    """What has come of one, block by block."""

    response: httpx.Response
    blocks: Iterator[str]

    def next_frame(self) -> Any:
        """The next that is no comment, decoded."""
        return decode(next(block for block in self.blocks if not block.startswith(":")))

    def frames(self) -> list[Any]:
        return [decode(block) for block in self.blocks if not block.startswith(":")]


def decode(block: str) -> Any:
    assert block.startswith("data: "), block
    text = block.removeprefix("data: ")
    return text if text == "[DONE]" else orjson.loads(text)


def split_blocks(response: httpx.Response) -> Iterator[str]:
    rest = ""
    for piece in response.iter_text():
        *blocks, rest = (rest + piece).split("\n\n")
        yield from blocks
    assert rest == ""


def body_of(persona: object, question: str = QUESTION, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}], "personaId": str(persona)} | more


@contextmanager
def chatting(url: str, member: Member, body: dict[str, Any]) -> Iterator[Answer]:
    headers = {"Authorization": f"Bearer {member.token}"}
    with (
        httpx.Client(base_url=url, timeout=15) as client,
        client.stream("POST", "/api/chat", json=body, headers=headers) as response,
    ):
        yield Answer(response, split_blocks(response))


def answer_text(frames: list[Any]) -> str:
    return "".join(frame["answer"] for frame in frames if frame != "[DONE]" and frame["event"] == "message")
