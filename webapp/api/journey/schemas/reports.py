"""What pages report of themselves: listed fields, and no free text."""

from marshmallow import fields, validate

from webapp.api.fields import WORD_MAX, InputSchema, Text, say

_CHOICE = say("정해진 값을 보내 주세요.", "정해진 값을 보내 주세요.")
_LINE_MAX, _LONGEST_MS = 1_000_000, 600_000
ERROR_KINDS = ("error", "unhandledrejection")
CALLS = ("login", "scan", "current_state", "perform_action", "queue", "notifications", "socket", "other")
OUTCOMES = ("ok", "refused", "failed", "timeout")


def _one_of(choices: tuple[str, ...]) -> Text:
    return Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(choices, error="정해진 값 가운데 하나를 보내 주세요."),
        error_messages=_CHOICE,
    )


class ClientErrorInput(InputSchema):
    kind = _one_of(ERROR_KINDS)
    name = Text(
        WORD_MAX,
        load_default="Error",
        validate=validate.Regexp(r"\A[A-Za-z]{1,64}\Z", error="오류의 종류를 보내 주세요."),
        metadata={"description": "The class of the error, such as `TypeError`."},
    )
    page = _one_of(("journey", "staff", "hall", "tag"))
    script = Text(
        WORD_MAX,
        load_default=None,
        validate=validate.Regexp(r"\A[a-z0-9_-]{1,60}\.js\Z", error="파일 이름을 보내 주세요."),
        metadata={"description": "The file's own name."},
    )
    line = fields.Integer(
        strict=True, load_default=None, validate=validate.Range(0, _LINE_MAX, error="줄 번호를 보내 주세요.")
    )


class ClientMetricsInput(InputSchema):
    call = _one_of(CALLS)
    outcome = _one_of(OUTCOMES)
    duration_ms = fields.Integer(
        strict=True,
        required=True,
        validate=validate.Range(0, _LONGEST_MS, error="0에서 600000까지 쓸 수 있어요."),
        error_messages=_CHOICE,
    )
