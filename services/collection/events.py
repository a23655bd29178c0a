"""The events of a session: their shape, and the Korean sentences that the person reads."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.names import Event, Status, Streaming, session_subject
from services.delivery.unit_of_work import Work

STREAMING_MESSAGES = {
    Streaming.FETCHING_HEALTH_DATA: "건강검진 기록을 가져오고 있어요.",
    Streaming.HEALTH_DATA_COMPLETED: "건강검진 기록을 가져왔어요.",
    Streaming.FETCHING_PRESCRIPTION_DATA: "진료·투약 기록을 가져오고 있어요.",
    Streaming.PRESCRIPTION_COMPLETED: "진료·투약 기록을 가져왔어요.",
    Streaming.MEDIARC_GENERATING: "질병 예측 리포트를 만들고 있어요.",
    Streaming.MEDIARC_COMPLETED_PASSWORD_READY: "리포트가 준비됐어요. 비밀번호를 정해 주세요.",
    Streaming.COMPLETED: "모든 기록을 안전하게 저장했어요.",
}


def say(
    work: Work,
    session_id: UUID,
    type_: Event,
    message: str,
    *,
    now: datetime,
    status: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Emit one event. The caller holds the run's row, so that events get their order from it."""
    body: dict[str, Any] = {
        "type": type_.value,
        "session_id": str(session_id),
        "message": message,
        "timestamp": now.isoformat(timespec="milliseconds"),
    }
    if status is not None:
        body["status"] = str(status)
    if data is not None:
        body["data"] = data
    work.emit(session_subject(str(session_id)), body)


def say_streaming(
    work: Work,
    session_id: UUID,
    state: Streaming,
    *,
    now: datetime,
    data: dict[str, Any] | None = None,
    message: str | None = None,
) -> None:
    """Emit a `streaming_status` event; its `status` carries the state. Without a `message` it has the state's own."""
    message = message or STREAMING_MESSAGES[state]
    say(work, session_id, Event.STREAMING_STATUS, message, now=now, status=state, data=data)


def say_ended(
    work: Work, session_id: UUID, status: Status, message: str, *, now: datetime, code: str | None = None
) -> None:
    """Tell every tab that the session ended without `completed`: by time, or as somebody wished. The code says why,
    where the status does not."""
    data = {"code": code or str(status).upper()}
    say(work, session_id, Event(status), message, now=now, status=status, data=data)
