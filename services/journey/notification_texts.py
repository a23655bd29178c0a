"""The sentences of notifications. On a lock screen anybody may read them: no name, no exam."""

from models.journey import NotificationKind, QueueEntry

_TEXTS = {
    NotificationKind.PATIENT_CALLED: "진료 순서가 되었어요.",
    NotificationKind.CALL_REPEATED: "다시 불렀어요. 지금 와 주세요.",
    NotificationKind.CALL_WITHDRAWN: "호출이 취소됐어요. 조금만 더 기다려 주세요.",
    NotificationKind.MOVED: "다른 줄로 옮겼어요. 새 번호는 {number}번이에요.",
    NotificationKind.CANCELLED: "대기가 취소됐어요.",
    NotificationKind.DAY_CLOSED: "오늘 진료가 끝나 대기가 취소됐어요.",
}
# Of who waited in no line.
_APPOINTMENT_CANCELLED = "예약이 취소됐어요."


def notification_text(kind: NotificationKind, entry: QueueEntry | None) -> str:
    """The number is that of the entry."""
    if kind == NotificationKind.CANCELLED and entry is None:
        return _APPOINTMENT_CANCELLED
    return _TEXTS[kind].format(number=entry.queue_number if entry else "")
