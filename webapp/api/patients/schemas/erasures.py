"""Erasures on the wire: the receipt holds counts and reasons, and nothing personal."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from models.patients import Erasure, ErasureState
from services.personal_data import KEPT_PLACES
from webapp.api.fields import InputSchema, SixDigits

_ERASED = {
    "files": "저장된 파일",
    "late_files": "나중에 들어온 파일",
    "archives": "내려받으려고 만든 파일",
    "late_archives": "나중에 만들어진 내려받기 파일",
    "orders": "주문에 있던 이름·생년월일·휴대폰 번호와 리포트",
    "checkups": "건강검진 기록",
    "prescriptions": "진료·투약 기록",
    "reports": "질병 예측 리포트",
    "terms": "약관 동의 기록",
    "consents": "동의 기록에 있던 사람",
    "record_answers": "기록을 받은 때와 기간",
    "record_versions": "기록의 예전 내용",
    "exports": "내려받기 요청",
    "visits": "접속 내역",
    "passwords": "비밀번호",
    "webhook_deliveries": "다른 시스템에 보내는, 수집이 끝났다는 알림",
    "events": "진행 알림",
    "run_steps": "수집 작업의 단계 기록",
    "runs": "수집 작업 기록",
    "redis": "임시 저장소의 값",
    "late_redis": "임시 저장소에 나중에 들어온 값",
    "journey_events": "병원 방문의 진행 알림",
    "journey_entry_logs": "대기 순서가 바뀐 기록",
    "journey_scans": "병원 태그를 찍은 기록에 있던 사람",
    "journey_logins": "병원 방문에 쓴 로그인",
    "journey_replies": "병원 방문에서 받은 응답의 사본",
    "journey_notifications": "병원 방문 중에 받은 알림",
    "journey_web_push": "병원 알림을 받던 브라우저",
    "journey_emr": "병원 기록 시스템에 알린 내역",
    "journey_steps": "병원 방문의 단계 기록",
    "journey_states": "병원 방문의 상태",
    "journey_entries": "검사 대기 기록",
    "journey_appointments": "검사 예약",
    "journey_visits": "병원 방문",
    "journey_scan_tokens": "태그를 찍을 때 쓴 값",
    "journey_users": "병원 방문에 쓴 이름·생년월일·휴대폰 번호",
    "journey_streams": "임시 저장소에 있던 병원 방문의 알림",
    "threads": "나만 남아 있던 대화와 내가 만든 대화",
    "thread_memberships": "다른 분의 대화에 참여한 것",
    "thread_items": "대화에 있던 글",
    "thread_clients": "대화에 연결한 기기의 자리",
    "thread_keysets": "대화의 잠금 열쇠 묶음",
    "thread_members": "대화의 참여자 목록",
    "thread_uploads": "올리다 만 파일",
    "thread_record_sendings": "대화로 보내려던 기록",
    "thread_wraps": "기기마다 잠근 대화 열쇠",
    "thread_devices": "대화에 쓴 기기",
    "thread_streams": "임시 저장소에 있던 대화의 알림",
    "thread_blobs": "대화에 올린 파일",
    "health_links": "기록을 보여 주려고 만든 링크",
    "log_keys": "열람 기록의 이름·주소를 여는 열쇠",
    "patients": "회원 정보",
}
_KEPT = {
    "consents": "어떤 글에 언제 동의했고 언제 끝났는지는 증거로 남아요. 누구였는지는 지웠어요.",
    "access_log": "열람 기록은 보관 기간 동안 남아요. 이름과 주소를 여는 열쇠는 없앴고, 가명만 남아요.",
    "orders": "주문 번호와 처리 단계는 전자상거래법에 따라 남아요. 산 사람의 정보는 지웠어요.",
    "threads": (
        "다른 분의 대화에 쓴 글과 올린 파일은 그 대화를 읽는 분들에게 남아요. 서버는 읽지 못해요. "
        "그 글의 서명을 확인하는 공개 열쇠도, 누가 언제 들어오고 나갔는지 사슬로 이어 적은 변경 기록도 남아요. "
        "거기에는 이름 없이 회원 번호와 끝자리를 지운 접속 주소만 있어요."
    ),
    "scans": "병원 태그를 언제 몇 번 찍었는지는 남아요. 누구였는지는 지웠어요.",
    "tombstones": "지운 기록이 다시 들어오지 않게 막는 값이 남아요. 이 값으로는 누구인지 알 수 없어요.",
    "revocations": "끝난 로그인을 막는 값이 이틀 뒤에 지워져요. 이 값으로는 누구인지 알 수 없어요.",
    "logs": "서버의 작업 기록에는 수집 번호만 남고, 보관 기간이 끝나면 지워져요. 이름이나 건강 정보는 없어요.",
    "backups": "백업에 남은 기록은 백업 보관 기간이 끝나면 지워져요.",
}


class ErasureInput(InputSchema):
    password = SixDigits()

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=True, **options)


class ErasureStarted(Schema):
    success = fields.Boolean(required=True)
    erasure_id = fields.UUID(required=True)
    joined_erasure_id = fields.UUID(metadata={"description": "Of the older patient whose records were joined."})
    message = fields.String(required=True)


class ErasedPlace(Schema):
    place = fields.String(required=True)
    what = fields.String(required=True)
    count = fields.Integer(required=True)


class KeptPlace(Schema):
    place = fields.String(required=True)
    why = fields.String(required=True)


class ReceiptOutput(Schema):
    success = fields.Boolean(required=True)
    erasure_id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in ErasureState]))
    requested_at = fields.AwareDateTime(required=True)
    completed_at = fields.AwareDateTime(required=True, allow_none=True)
    erased = fields.List(fields.Nested(ErasedPlace), required=True)
    kept = fields.List(fields.Nested(KeptPlace), required=True)


def receipt_of(erasure: Erasure) -> Mapping[str, Any]:
    """What was erased so far, and what stays."""
    return {
        "success": True,
        "erasure_id": erasure.id,
        "state": erasure.state,
        "requested_at": erasure.requested_at,
        "completed_at": erasure.completed_at,
        "erased": [
            {"place": place, "what": _ERASED[place], "count": erasure.receipt[place]}
            for place in _ERASED
            if place in erasure.receipt
        ],
        "kept": [{"place": place, "why": _KEPT[place]} for place in KEPT_PLACES],
    }
