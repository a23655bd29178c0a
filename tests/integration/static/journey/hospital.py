"""The hospital's servers as far as a page asks them: what they say is given, what they are asked is kept."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page, Route, WebSocketRoute

QUEUE_ID = "3f2b6f0e-0000-4000-8000-000000000001"
OTHER_QUEUE_ID = "3f2b6f0e-0000-4000-8000-000000000002"
ROOM = {"room_id": "R-101", "title": "채혈실", "floor": 1}
OTHER_ROOM = {"room_id": "R-102", "title": "영상의학과", "floor": 1}
GUIDANCE = {"from": None, "to": ROOM, "steps": ["채혈실 앞으로 오세요.", "걸어서 2분쯤 걸려요."]}
BLOOD = {
    "appointment_id": "a-1",
    "exam_id": "EX-BLOOD",
    "exam_name": "채혈",
    "scheduled_at": "2026-03-02T09:00:00+09:00",
    "status": "scheduled",
}
XRAY = {**BLOOD, "appointment_id": "a-2", "exam_id": "EX-XRAY", "exam_name": "흉부 X선"}
STOPS = [
    {"exam_id": "EX-BLOOD", "exam_name": "채혈", "room": ROOM, "wait_minutes": 12, "because": "fasting"},
    {"exam_id": "EX-XRAY", "exam_name": "흉부 X선", "room": OTHER_ROOM, "wait_minutes": 0, "because": "shortest_wait"},
]
_MAP = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 24"><rect width="40" height="24" fill="#dfe9e6"/></svg>'
_SOCKETS = {
    "patient_journey": "/ws/patient-journey/",
    "queue": "/ws/queue/{queue_id}/",
    "exam": "/ws/exam/{exam_id}/",
    "hall": "/ws/hall/{display_id}/",
}
_STAFF_STEPS = [
    ("WAITING", "call_patient", "CALLED"),
    ("WAITING", "mark_no_show", "WAITING"),
    ("CALLED", "start_exam", "IN_PROGRESS"),
    ("CALLED", "mark_no_show", "WAITING"),
    ("IN_PROGRESS", "complete_exam", "COMPLETED"),
]
_PATIENT_STEPS = [
    ("REGISTERED", "confirm_arrival", "WAITING"),
    ("COMPLETED", "make_payment", "PAYMENT"),
    ("PAYMENT", "make_payment", "FINISHED"),
    ("FINISHED", "leave_hospital", "UNREGISTERED"),
]
_DEFINITIONS = {
    "sockets": _SOCKETS,
    "mappings": {
        "queue_to_journey": {
            "waiting": "WAITING",
            "delayed": "WAITING",
            "called": "CALLED",
            "in_progress": "IN_PROGRESS",
        },
        "journey_to_queue": {"WAITING": "waiting", "CALLED": "called", "IN_PROGRESS": "in_progress"},
    },
    "limits": {"recall_after_seconds": 20, "undo_call_within_seconds": 60, "no_show_after_seconds": 300},
    "computed_actions": {"cancel_appointment": ["REGISTERED", "WAITING", "CALLED"]},
    "transitions": [
        {"from": at, "action": act, "actor": actor, "to": to}
        for actor, steps in (("staff", _STAFF_STEPS), ("patient", _PATIENT_STEPS))
        for at, act, to in steps
    ],
}
Answer = Callable[[Any], tuple[int, Any]] | tuple[int, Any] | dict[str, Any]


def token() -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "u-1", "sid": "s-1"}).encode()).decode().rstrip("=")
    return f"h.{claims}.s"


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def refusal(status: int, code: str, **more: Any) -> tuple[int, Any]:
    return status, {"success": False, "error": {"code": code, "message": code, **more}}


def entry(state: str, **traits: Any) -> dict[str, Any]:
    inside = state in {"called", "in_progress"}
    return {
        "queue_id": QUEUE_ID,
        "exam_id": "EX-BLOOD",
        "exam_name": "채혈",
        "room": ROOM,
        "state": state,
        "queue_number": 17,
        "position": 0 if inside else 4,
        "ahead": 0 if inside else 3,
        "estimated_wait_time": 15,
        "estimate": {"minutes": 15, "low": 10, "high": 25, "basis": "history"},
        "called_at": ago(1) if state == "called" else None,
        "call_count": 1 if state == "called" else 0,
        **traits,
    }


def snapshot(state: str, *entries: Any, actions: tuple[str, ...] = (), seq: int = 3, **traits: Any) -> dict[str, Any]:
    return {
        "journey_state": state,
        "queue_details": list(entries),
        "appointments": [BLOOD, XRAY],
        "available_actions": list(actions),
        "delays_left": 2,
        "next_appointment": None,
        "guidance": GUIDANCE,
        "last_seq": seq,
        "epoch": "e",
        **traits,
    }


def two_lines(blood: str, xray: str, **traits: Any) -> dict[str, Any]:
    """Staff had somebody wait in a second line, too."""
    second = {"queue_id": OTHER_QUEUE_ID, "exam_id": "EX-XRAY", "exam_name": "흉부 X선", "room": OTHER_ROOM}
    return snapshot("WAITING", entry(blood), entry(xray, queue_number=21, **second), **traits)


SNAPSHOTS = {
    "UNREGISTERED": snapshot("UNREGISTERED", actions=("scan_nfc",)),
    "ARRIVED": snapshot("ARRIVED", actions=("register",)),
    "REGISTERED": snapshot("REGISTERED", actions=("confirm_arrival",)),
    "WAITING": snapshot("WAITING", entry("waiting")),
    "CALLED": snapshot("CALLED", entry("called"), actions=("enter_exam_room",)),
    "IN_PROGRESS": snapshot("IN_PROGRESS", entry("in_progress"), actions=("complete_exam",), next_appointment=XRAY),
    "COMPLETED": snapshot("COMPLETED", actions=("confirm_arrival", "make_payment"), next_appointment=XRAY),
    "PAYMENT": snapshot("PAYMENT", actions=("make_payment",)),
    "FINISHED": snapshot("FINISHED", actions=("leave_hospital",)),
}


def board_entry(number: int, state: str, **traits: Any) -> dict[str, Any]:
    waits = state in {"waiting", "delayed"}
    return {
        "queue_id": f"q-{number}",
        "queue_number": number,
        "state": state,
        "room_id": None if waits else "R-101",
        "estimate": {"minutes": number, "low": 1, "high": 2 * number, "basis": "fixed"} if waits else None,
        "priority": 0,
        "priority_reason": None,
        "no_show_count": 0,
        "call_count": 0 if waits else 1,
        "joined_at": ago(60 * number),
        "called_at": None if waits else ago(30),
        "last_called_at": ago(30) if state == "called" else None,
        "call_seen_at": None,
        "patient": {"user_id": f"u-{number}", "name": f"시연{number:03}"},
        **traits,
    }


def board(*entries: dict[str, Any]) -> dict[str, Any]:
    shift = {"shift_id": 1, "staff": {"staff_id": "s", "name": "창구 1"}, "room": ROOM, "started_at": ago(60)}
    return {
        "exam_id": "EX-BLOOD",
        "exam_name": "채혈",
        "queues": list(entries),
        "shifts": [shift],
        "tag_alerts": [],
        "waiting_count": sum(one["state"] in {"waiting", "delayed"} for one in entries),
        "errors": {"calls": 12, "median_error": 2.2, "bias": 1, "coverage": 0.8},
        "updated_at": ago(0),
    }


def hall_room(number: int, *calling: int, **traits: Any) -> dict[str, Any]:
    return {
        "exam_id": f"EX-{number}",
        "display_title": f"{number}번 창구",
        "room": {"room_id": f"R-{number}", "title": f"{number}호", "floor": 1},
        "calling": [{"queue_number": called, "since": "t", "call_count": 1} for called in calling],
        "next": [18, 19, 20, 21, 22],
        "waiting_count": 5,
        "estimated_wait_time": 25,
        **traits,
    }


@dataclass
class Hospital:
    """`answers` by method and path win over what it says by itself; `is_away` cuts the network."""

    journey: dict[str, Any] = field(default_factory=lambda: SNAPSHOTS["UNREGISTERED"])
    is_signed_in: bool = True
    is_away: bool = False
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    board: dict[str, Any] = field(default_factory=board)
    hall: dict[str, Any] = field(default_factory=lambda: {"rooms": [], "updated_at": ago(0)})
    sockets: dict[str, list[WebSocketRoute]] = field(default_factory=dict)

    def open_to(self, page: Page) -> None:
        page.route("**/api/v1/**", self._answer)
        page.route_web_socket("**/ws/**", self._accept)

    def asked_for(self, name: str) -> list[Any]:
        return [body for asked, body in self.asked if asked == name]

    def tell(self, kind: str, *frames: dict[str, Any]) -> None:
        """To all sockets of a kind that are open: patient-journey, queue, exam, hall."""
        for socket in self.sockets.get(kind, []):
            for frame in frames:
                socket.send(json.dumps(frame))

    def move_to(self, moved: dict[str, Any], *further: dict[str, Any]) -> None:
        """The state changes, and the phone is told."""
        self.journey = moved
        self.tell("patient-journey", {"type": "state_update", **_place(moved["last_seq"]), "payload": moved}, *further)

    def call(self, seq: int = 4, call_count: int = 1) -> None:
        called = entry("called", call_count=call_count)
        self.move_to(
            snapshot("CALLED", called, actions=("enter_exam_room",), seq=seq),
            {"type": "patient_called", **_place(seq + 1), "data": called},
        )

    def cut(self) -> None:
        """No socket stays, and none comes again."""
        self.is_away = True
        for sockets in self.sockets.values():
            while sockets:
                sockets.pop().close(code=1011)

    def reload(self, page: Page) -> None:
        """A page opened again has sockets of its own; what was told to those of before would be lost."""
        self.sockets.clear()
        page.reload()

    def _accept(self, socket: WebSocketRoute) -> None:
        if self.is_away:
            socket.close(code=1011)
            return
        [kind] = re.findall(r"/ws/([\w-]+)/", socket.url)
        self.sockets.setdefault(kind, []).append(socket)
        socket.on_message(lambda text: self.sent.append(json.loads(str(text))))
        greetings = {
            "patient-journey": {"type": "initial_state", "payload": self.journey, "last_seq": self.journey["last_seq"]},
            "queue": {"type": "queue.update", "data": {"queue_id": QUEUE_ID, "state": "waiting"}},
            "exam": {"type": "board", "data": None, "last_seq": 3},
            "hall": {"type": "hall", "data": self.hall, "last_seq": 3},
        }
        socket.send(json.dumps({"epoch": "e", **greetings[kind]}))

    def _answer(self, route: Route) -> None:
        if self.is_away:
            route.abort()
            return
        request = route.request
        path = re.sub(r"^.*?/api/v1", "", request.url).split("?")[0]
        name, body = f"{request.method} {path}", request.post_data_json if request.post_data else None
        self.asked.append((name, body))
        if path.endswith(".svg"):
            route.fulfill(content_type="image/svg+xml", body=_MAP)
            return
        known = self.answers.get(name, None) or self._known(path)
        status, answer = _judge(known, body)
        route.fulfill(status=status, content_type="application/json", body=json.dumps(answer))

    def _known(self, path: str) -> Answer:
        if path == "/auth/token/refresh/":
            return {"access_token": token()} if self.is_signed_in else refusal(401, "UNAUTHORIZED")
        if re.fullmatch(r"/maps/-?\d+/layers", path):
            return {"layers": [{"name": "base", "href": f"/api/v1{path}/base.1.svg", "bytes": len(_MAP)}]}
        if path.endswith(("/messages", "/events")):
            return refusal(503, "STORE_UNAVAILABLE")
        return {
            "/state-definitions/": _DEFINITIONS,
            "/patient-journey/current-state/": self.journey,
            "/patient-journey/itinerary": {"stops": STOPS, "total_minutes": 40},
            "/notifications": {"notifications": []},
            "/board/EX-BLOOD": self.board,
            "/hall/HALL-1": self.hall,
            "/auth/staff-login": {
                "access_token": token(),
                "staff": {"staff_id": "s", "name": "창구 1", "role": "staff"},
            },
            "/staff/shifts": {
                "shift": None,
                "exams": [
                    {"exam_id": "EX-BLOOD", "title": "채혈", "room_id": "R-101"},
                    {"exam_id": "EX-XRAY", "title": "흉부 X선", "room_id": "R-102"},
                ],
                "rooms": [OTHER_ROOM, ROOM],
            },
        }.get(path, refusal(404, "NOT_FOUND"))


def _judge(known: Answer, body: Any) -> tuple[int, Any]:
    if callable(known):
        return known(body)
    return known if isinstance(known, tuple) else (200, known)


def _place(seq: int) -> dict[str, Any]:
    return {"seq": seq, "epoch": "e"}
