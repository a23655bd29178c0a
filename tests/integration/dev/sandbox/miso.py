"""A client of MISO, coded straight from the protocol text; it imports nothing of ours."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

INTERVIEW = """Q: 배달 앱을 얼마나 자주 쓰세요?
김하늘: 음, 매일 점심마다 주문해요. 거의 습관이에요.
Q: 쓰면서 불편한 점은요?
김하늘: 결제 화면이 자꾸 멈춰서 너무 답답해요.
김하늘: 쿠폰을 적용하는 과정이 복잡하고 헷갈려요.
Q: 바라는 점이 있나요?
김하늘: 주문 취소를 한 번에 할 수 있었으면 좋겠어요.
"""


class MisoCaller:
    def __init__(self, base: str, http: httpx.Client, keys: tuple[str, str, str] | None = None) -> None:
        self.base = f"{base}/ext/v1"
        self.http = http
        self.workflow, self.agent, self.knowledge = keys or (
            "sandbox-miso-key",
            "sandbox-miso-agent-key",
            "sandbox-miso-knowledge-key",
        )

    def run_body(self, text: str = INTERVIEW, user: str = "iv-1-1-abc", mode: str = "blocking", **inputs: str) -> Any:
        given = {"context": text, "preprocess_type": "interview", **inputs}
        return {"inputs": given, "mode": mode, "user": user, "files": []}

    def run(self, *, key: str | None = None, body: Any = None, **given: Any) -> httpx.Response:
        return self.post("workflows/run", body or self.run_body(**given), key=key)

    def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        return self.http.post(f"{self.base}/{path}", json=body, headers=self.headers(key or self.workflow))

    def get(self, path: str, key: str | None = None, **query: Any) -> httpx.Response:
        return self.http.get(f"{self.base}/{path}", params=query, headers=self.headers(key or self.workflow))

    def stream(self, path: str, body: Any, key: str | None = None) -> Any:
        return self.http.stream("POST", f"{self.base}/{path}", json=body, headers=self.headers(key or self.workflow))

    def stream_run(self, **given: Any) -> list[dict[str, Any]]:
        with self.stream("workflows/run", self.run_body(mode="streaming", **given)) as answer:
            return list(events_of(answer))

    def chat_body(self, query: str = "결제가 왜 불편했나요?", **more: Any) -> Any:
        inputs = {"persona_title": "바쁜 직장인", "pain_points": "결제 화면이 멈춘다"}
        return {"query": query, "inputs": inputs, "mode": "streaming", "user": "acc-1", "files": []} | more

    def chat(self, **given: Any) -> list[dict[str, Any]]:
        with self.stream("chat", self.chat_body(**given), key=self.agent) as answer:
            assert answer.status_code == 200, answer.read()
            return list(events_of(answer))

    @staticmethod
    def headers(key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}


def events_of(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """`[DONE]` and pings as events of that name."""
    for line in answer.iter_lines():
        if line == "data: [DONE]":
            yield {"event": "[DONE]"}
        elif line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
        elif line == "event: ping":
            yield {"event": "ping"}


def outputs_of(answer: dict[str, Any]) -> dict[str, Any]:
    """In whichever of the usual shapes they came."""
    outputs = answer["data"]["outputs"]
    if "text" in outputs:
        return json.loads(outputs["text"].split("```json")[1].split("```")[0])
    if "result" in outputs:
        return json.loads(json.loads(outputs["result"]))
    return {name: json.loads(value) if isinstance(value, str) else value for name, value in outputs.items()}
