"""An example of each body that the API takes, by the name of its schema, for the document."""

from collections.abc import Iterator, Mapping
from typing import Any

_PERSON = {"user_name": "홍길동", "phone_no": "01012345678", "birthdate": "19900115"}
_SESSION = "0b0e5b0e-3f43-4c8a-9d3b-5f3a2c1d7e90"
_PATIENT = "94ebd639-9549-427e-82f6-8dfbaf8ed138"
_PROJECT = "0c2f9b52-5d7e-4a55-9a39-6f5a4f4c9f10"
_INTERVIEW = "7d1b6f0a-2c55-4f0e-8a8e-1b2f6f6b3c11"
_KEY = "5f0c7a52-6a43-4c8f-9a55-0d8e2b7c1f34"
_PASSWORD = "correct horse battery"  # noqa: S105 an example
_PLACE = {"floor": 2, "x": 120.5, "y": 64}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "StartInput": {
        **_PERSON,
        "gender": "M",
        "private_auth_type": "0",
        "redirect_path": "/results-trend",
        "consents": ["service", "collection", "sensitive", "third_party_tilko"],
    },
    "SessionIdInput": {"session_id": _SESSION},
    "ErasureInput": {"password": "592704"},
    "SignInInput": {**_PERSON, "password": "592704"},
    "PasswordInput": {"password": "592704"},
    "ChangeInput": {"current_password": "592704", "new_password": "804365"},
    "EndSessionsInput": {"id": _SESSION, "reason": "전화로 휴대폰 분실 신고"},
    "CleanInput": {"older_than_days": 30},
    "StaffLoginInput": {"login": "night-shift", "password": _PASSWORD, "totp": "123456"},
    "SecondFactorInput": {"totp": "123456"},
    "MemberLoginInput": {"email": "mina@demo.test", "password": _PASSWORD},
    "MemberRefreshInput": {"idempotency_key": _KEY},
    "UploadInput": {
        "projectId": _PROJECT,
        "title": "배달 앱 1차",
        "text": "진행자: 배달 앱은 언제 쓰세요?\n김하늘: 퇴근길에 제일 많이 써요.",
        "maskWords": ["한빛"],
        "consent": True,
    },
    "RetryInput": {"interviewId": _INTERVIEW},
    "ProcessInput": {"interviewId": _INTERVIEW, "projectId": _PROJECT},
    "PersonaInput": {"interviewIds": [_INTERVIEW]},
    "ProjectMemberInput": {"email": "jun@demo.test", "role": "editor"},
    "SpeakersInput": {"speakers": {"[이름1]": "참여자 A", "화자2": "참여자 A"}},
    "HighlightInput": {"firstUtteranceId": 3, "lastUtteranceId": 5, "tags": ["새벽"], "note": "두 번 말했다"},
    "ChatInput": {
        "messages": [{"role": "user", "content": "배달 앱은 언제 쓰세요?"}],
        "personaId": "p-1",
    },
    "ReceivedInput": {"projectId": _PROJECT, "received": 12},
    "CreateThreadInput": {
        "requestId": _KEY,
        "members": [{"memberId": f"patient:{_PATIENT}", "role": "owner"}],
    },
    "AckInput": {"seq": 12},
    "ChangeRoleInput": {"memberId": f"patient:{_PATIENT}", "role": "reader"},
    "RefreshInput": {"idempotency_key": _KEY},
    "SimpleLoginInput": {"phone_last4": "0001", "birth_date": "1940-02-01", "device_id": "phone-5f0c7a52"},
    "WebPushInput": {
        "endpoint": "https://web.push.apple.com/QGNlLHUzZcw",
        "expirationTime": None,
        # RFC 8291, appendix A.
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    },
    "ScanInput": {"tag_code": "demo-entrance-7f3a9c21e5b84d06", "via": "qr"},
    "PerformInput": {
        "action_type": "confirm_arrival",
        "payload": {"exam_id": "EX-BLOOD"},
        "expected_state": "CALLED",
        "idempotency_key": _KEY,
    },
    "JoinInput": {"exam_id": "EX-BLOOD", "idempotency_key": _KEY},
    "CallInput": {"exam_id": "EX-BLOOD", "idempotency_key": _KEY},
    "RecallInput": {"idempotency_key": _KEY},
    "DelayInput": {"delayed": True, "reason": "화장실"},
    "PriorityInput": {"priority": 1, "reason": "elderly"},
    "TransferInput": {"exam_id": "EX-XRAY", "reason": "장비 점검", "idempotency_key": _KEY},
    "ShiftInput": {"exam_id": "EX-BLOOD", "room_id": "R-201"},
    "FindInput": {"phone_last4": "0001", "birth_date": "1940-02-01", "reason": "창구에 와서 접수"},
    "AssistInput": {"action_type": "confirm_arrival", "payload": {"exam_id": "EX-BLOOD"}},
    "ClientErrorInput": {"kind": "error", "name": "TypeError", "page": "journey", "script": "page.js", "line": 12},
    "ClientMetricsInput": {"call": "scan", "outcome": "ok", "duration_ms": 84},
    "RoomInput": {"room_id": "R-201", "title": "채혈실 1", **_PLACE},
    "RoomChangeInput": {"title": "채혈실 2"},
    "ExamInput": {
        "exam_id": "EX-BLOOD",
        "title": "혈액 검사",
        "display_title": "채혈",
        "room_id": "R-201",
        "avg_minutes": 5,
    },
    "ExamChangeInput": {"avg_minutes": 7},
    "TagInput": {
        "tag_id": "TAG-1",
        "tag_uid": "04:10:00:00:00:00:01",
        "title": "정문",
        **_PLACE,
        "exam_ids": ["EX-BLOOD"],
    },
    "TagChangeInput": {"is_active": False},
    "DisplayInput": {"display_id": "HALL-2", "title": "2층 대기실", "exam_ids": ["EX-BLOOD"]},
    "DisplayChangeInput": {"title": "2층 동쪽 대기실"},
    "StaffInput": {"login": "desk3", "name": "김창구", "password": _PASSWORD, "role": "staff"},
    "StaffChangeInput": {"is_active": False},
}
_ERROR = {
    "success": False,
    "error": {"code": "VALIDATION_FAILED", "message": "입력한 내용을 확인해 주세요.", "details": {"phone_no": ["..."]}},
    "request_id": "3f9a0c4be1d27a58",
}


def add_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, with an example in each body that has one."""
    for media in _bodies(document):
        name = media["schema"].get("$ref", "").rpartition("/")[2]
        if name in EXAMPLES:
            media["example"] = EXAMPLES[name]
    document["components"]["schemas"]["ErrorBody"]["examples"] = [_ERROR]
    return document


def _bodies(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in document["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "requestBody" in operation:
                yield from operation["requestBody"]["content"].values()
