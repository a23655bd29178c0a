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
    "events": "진행 알림",
    "run_steps": "수집 작업의 단계 기록",
    "runs": "수집 작업 기록",
    "redis": "임시 저장소의 값",
    "late_redis": "임시 저장소에 나중에 들어온 값",
    "log_keys": "열람 기록의 이름·주소를 여는 열쇠",
    "patients": "회원 정보",
}
_KEPT = {
    "consents": "어떤 글에 언제 동의했고 언제 끝났는지는 증거로 남아요. 누구였는지는 지웠어요.",
    "access_log": "열람 기록은 보관 기간 동안 남아요. 이름과 주소를 여는 열쇠는 없앴고, 가명만 남아요.",
    "orders": "주문 번호와 처리 단계는 전자상거래법에 따라 남아요. 산 사람의 정보는 지웠어요.",
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
