"""The access log on the wire: in plain words for the person, by pseudonyms for auditors."""

from typing import Any

from marshmallow import Schema, fields, validate

from models.patients import OWN_KINDS, AccessedWhat, ActorKind
from services.patients.access_log import REASON_MAX, REASON_MIN, LogPlace, ShownLook
from webapp.api.fields import WORD_MAX, InputSchema, Text, say

_WHO = {
    ActorKind.SESSION: "본인 (휴대폰 인증)",
    ActorKind.PASSWORD: "본인 (비밀번호)",
    ActorKind.LINK: "본인 (내려받기 링크)",
    ActorKind.STAFF: "담당 직원",
    ActorKind.PROCESS: "자동 작업",
    ActorKind.RECIPIENT: "공유 링크를 받은 사람",
}
# The hospital's people at their work, by what they may do there.
_WHO_OF_HOSPITAL = {"staff": "병원 직원", "admin": "병원 관리자"}
_WHAT = {
    AccessedWhat.CHECKUPS: "건강검진 기록을 봤어요.",
    AccessedWhat.PRESCRIPTIONS: "진료·투약 기록을 봤어요.",
    AccessedWhat.REPORT: "질병 예측 리포트를 봤어요.",
    AccessedWhat.CONSENTS: "동의 내역을 봤어요.",
    AccessedWhat.ACCESS_LOG: "열람 내역을 봤어요.",
    AccessedWhat.EXPORT: "기록을 내려받았어요.",
    AccessedWhat.FILE: "저장된 파일을 열었어요.",
    AccessedWhat.ERASURE: "기록을 지워 달라고 했어요.",
    AccessedWhat.JOIN: "이전 기록과 합쳤어요.",
    AccessedWhat.UNDO_JOIN: "합친 기록을 다시 나눴어요.",
    AccessedWhat.SHARE: "공유 링크를 만들거나 바꿨어요.",
    AccessedWhat.SHARED: "공유 링크로 기록을 받아 갔어요.",
    AccessedWhat.SESSIONS: "로그인한 곳을 모두 끝냈어요.",
    AccessedWhat.JOURNEY: "병원에서의 순서와 상태를 봤어요.",
    AccessedWhat.JOURNEY_SEARCH: "휴대폰 번호 끝자리와 생년월일로 찾아봤어요.",
    AccessedWhat.JOURNEY_ACTION: "병원에서의 순서나 상태를 바꿨어요.",
}
_LIMIT_ERROR = "1에서 200까지 쓸 수 있어요."


def _name_actor(look: ShownLook) -> str:
    of_hospital = _WHO_OF_HOSPITAL.get(look.actor_role or "") if look.actor_kind == ActorKind.STAFF else None
    return of_hospital or _WHO[look.actor_kind]


class LogPlaceField(fields.Field[LogPlace]):
    """Where the page before ended."""

    default_error_messages = {"invalid": "앞선 답의 next 값을 그대로 보내 주세요."}  # noqa: RUF012 read by marshmallow

    def _deserialize(self, value: object, attr: str | None, data: object, **_: object) -> LogPlace:  # noqa: ARG002
        try:
            return LogPlace.decode(str(value)[:40])
        except (ValueError, OverflowError) as exc:
            raise self.make_error("invalid") from exc


class LogPageQuery(InputSchema):
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, 200, error=_LIMIT_ERROR),
        error_messages={"invalid": _LIMIT_ERROR},
    )
    after = LogPlaceField(
        load_default=None, metadata={"type": "string", "description": "The `next` of the page before."}
    )


class ReasonField(Text):
    """Why somebody looks at a person's data; the person reads it. Spaces around it say nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            REASON_MAX,
            validate=validate.Length(min=REASON_MIN, error=f"이유를 {REASON_MIN}자에서 {REASON_MAX}자로 적어 주세요."),
            error_messages=say("왜 보는지 적어 주세요.", "이유를 글로 적어 주세요."),
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return super()._deserialize(value, attr, data, **more).strip()


class AuditQuery(LogPageQuery):
    reason = ReasonField(required=True)
    subject = Text(
        WORD_MAX,
        load_default=None,
        validate=validate.Regexp(r"\A[0-9a-f]{32}\Z", error="가명 32자를 보내 주세요."),
        metadata={"description": "Only looks at the person with this pseudonym."},
    )
    day = fields.Date(load_default=None, metadata={"description": "Only looks of this day (UTC)."})


class LookItem(Schema):
    """`address` is shown where the person looked themselves."""

    at = fields.AwareDateTime(required=True)
    actor_kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in ActorKind]))
    who = fields.Function(_name_actor, metadata={"type": "string"})
    action = fields.String(required=True, attribute="what")
    what = fields.Function(lambda look: _WHAT[look.what], metadata={"type": "string"})
    address = fields.Method("own_address", metadata={"type": ["string", "null"]})
    reason = fields.String(required=True, allow_none=True)

    def own_address(self, look: ShownLook) -> str | None:
        return look.address if look.actor_kind in OWN_KINDS else None


class AuditItem(Schema):
    """People stand there by pseudonyms."""

    day = fields.Date(required=True)
    seq = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    subject = fields.String(required=True, allow_none=True)
    actor_kind = fields.String(required=True)
    actor_role = fields.String(required=True, allow_none=True)
    actor = fields.String(required=True)
    action = fields.String(required=True, attribute="what")


class OpeningItem(Schema):
    """All looks of one other session, link or member of staff; `address` and `device` are not told of staff."""

    first_at = fields.AwareDateTime(required=True)
    last_at = fields.AwareDateTime(required=True)
    actor_kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in ActorKind]))
    who = fields.Function(lambda opening: _WHO[opening.actor_kind], metadata={"type": "string"})
    what = fields.Function(
        lambda opening: [_WHAT[one] for one in opening.what],
        metadata={"type": "array", "items": {"type": "string"}},
    )
    address = fields.Function(
        lambda opening: opening.address if opening.actor_kind in OWN_KINDS else None,
        metadata={"type": ["string", "null"]},
    )
    device = fields.String(required=True, allow_none=True)


class OpeningsOutput(Schema):
    """With what a page reads at its top."""

    opened_since_last_visit = fields.List(
        fields.Nested(OpeningItem),
        required=True,
        metadata={"description": "Who else opened the records since this person's last visit; at most 20."},
    )


class LooksOutput(OpeningsOutput):
    success = fields.Boolean(required=True)
    items = fields.List(fields.Nested(LookItem), required=True)
    next = fields.String(metadata={"description": "Where the next page begins; absent on the last one."})


class AuditOutput(Schema):
    success = fields.Boolean(required=True)
    items = fields.List(fields.Nested(AuditItem), required=True)
    next = fields.String(metadata={"description": "Where the next page begins; absent on the last one."})
