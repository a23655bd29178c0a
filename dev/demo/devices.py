"""A patient's phone and a desk of staff, as clients of a running product over HTTP and WebSocket."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any
from uuid import uuid4

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

API = "/api/v1"
_ANSWER_SECONDS = 20.0
_LOOK_AGAIN_SECONDS = 0.5
Json = dict[str, Any]


class UnexpectedAnswer(Exception):
    """The product answered something else than the day expects. Its text says which call, and what it said."""

    retryable = False


class Device:
    """Whatever speaks HTTP with a token."""

    def __init__(self, web_url: str) -> None:
        self.web_url = web_url
        self.token = ""
        self._client = httpx.Client(base_url=web_url + API, timeout=_ANSWER_SECONDS, trust_env=False)

    def ask(self, method: str, path: str, body: Json | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self._client.request(method, path, json=body, headers=headers | more.pop("headers", {}), **more)

    def get(self, path: str) -> Json:
        return _expect(self.ask("GET", path))

    def post(self, path: str, body: Json | None = None) -> Json:
        return _expect(self.ask("POST", path, body))

    def close(self) -> None:
        self._client.close()


def _expect(answer: httpx.Response) -> Json:
    if not answer.is_success:
        raise UnexpectedAnswer(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    content: Json = answer.json() if answer.content else {}
    return content


def wait_until(is_so: Callable[[], bool], seconds: float = _ANSWER_SECONDS) -> None:
    """Raises UnexpectedAnswer when it takes longer."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(f"still not so after {seconds:g} s")
        pause.wait(_LOOK_AGAIN_SECONDS)


class PatientPhone(Device):
    """Keeps every numbered event that it was told, and the place to come back to."""

    def __init__(self, web_url: str) -> None:
        super().__init__(web_url)
        self.device_id = f"demo-{uuid4()}"
        self.user_id = ""
        self.events: list[Json] = []
        self._epoch = ""
        self._socket: ClientConnection | None = None
        self._opened = ExitStack()

    @property
    def last_seq(self) -> int:
        return int(self.events[-1]["seq"]) if self.events else 0

    def log_in(self, who: Json) -> Json:
        answer = self.post("/auth/simple-login", who | {"device_id": self.device_id, "refresh_in": "body"})
        self.token, self.user_id = answer["access_token"], answer["user"]["user_id"]
        snapshot: Json = answer["journey"]
        return snapshot

    def act(self, action: str, payload: Json | None = None, **more: Any) -> Json:
        return self.post("/patient-journey/perform-action/", {"action_type": action, "payload": payload or {}, **more})

    def connect(self) -> Json:
        """Comes back to its place, and gives the greeting."""
        place = f"?after_seq={self._epoch}:{self.last_seq}" if self.events else ""
        self._socket = self._open(place)
        greeting = self._hear()
        self._epoch = greeting["epoch"]
        if not self.events:
            self.events.append({"seq": greeting["last_seq"], "type": "begin"})
        return greeting

    def cut(self) -> None:
        """Without a word, as a lift would."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.socket.shutdown(socket.SHUT_RDWR)
            self._socket = None

    def command(self, action: str, payload: Json | None = None) -> Json:
        """An action over the socket; its answer."""
        assert self._socket is not None
        frame = {"command": "perform_action", "action_type": action, "payload": payload or {}, "request_id": "demo"}
        self._socket.send(json.dumps(frame))
        result = self._wait_for("action_result")
        if not result["success"]:
            raise UnexpectedAnswer(f"{action} over the socket: {result['code']}")
        snapshot: Json = result["payload"]
        return snapshot

    def hear_until(self, kind: str) -> Json:
        """The next event of this kind that the socket tells."""
        return self._wait_for(kind)

    def poll(self) -> list[Json]:
        """What has come since, where there is no socket."""
        answer = self.get(f"/patient-journey/messages?after_seq={self._epoch}:{self.last_seq}&wait=1")
        for message in answer["messages"]:
            self._keep(message)
        messages: list[Json] = answer["messages"]
        return messages

    def wait_for_close(self) -> int | None:
        """The code that the socket which is open now is closed with; None when it was cut without one."""
        try:
            while True:
                self._hear()
        except ConnectionClosed as exc:
            return exc.rcvd.code if exc.rcvd else None

    def close_code_now(self) -> int | None:
        """Of a new socket; None when it is served."""
        opened = self._open("")
        try:
            opened.recv(timeout=_ANSWER_SECONDS)
        except ConnectionClosed as exc:
            return exc.rcvd.code if exc.rcvd else None
        return None

    def _open(self, place: str) -> ClientConnection:
        url = self.web_url.replace("http", "ws", 1) + f"/ws/patient-journey/{place}"
        headers = {"Authorization": f"Bearer {self.token}"}
        return self._opened.enter_context(connect(url, additional_headers=headers, proxy=None))

    def close(self) -> None:
        self._opened.close()
        super().close()

    def _wait_for(self, kind: str) -> Json:
        while True:
            frame = self._hear()
            if frame["type"] == kind:
                return frame

    def _hear(self) -> Json:
        assert self._socket is not None
        frame: Json = json.loads(self._socket.recv(timeout=_ANSWER_SECONDS))
        self._keep(frame)
        return frame

    def _keep(self, frame: Json) -> None:
        if "seq" in frame:
            self.events.append(frame)


class Desk(Device):
    """A member of staff, signed in."""

    def __init__(self, web_url: str, login: str, password: str) -> None:
        super().__init__(web_url)
        answer = self.post("/auth/staff-login", {"login": login, "password": password})
        self.token = answer["access_token"]

    def act(self, user_id: str, action: str, payload: Json) -> Json:
        body = {"patient_id": user_id, "action_type": action, "payload": payload}
        return self.post("/patient-journey/perform-action/", body)

    def call(self, queue_id: str) -> Json:
        return self.post("/queue/medical/call-patient/", {"queue_id": queue_id})
