"""Who somebody says they are, on the wire: name, phone and birth date as they are typed."""

from typing import Any

from marshmallow import ValidationError, validate, validates

from services.patients.identification import NAME_MAX, is_name, normalize_name, normalize_phone
from webapp.api.fields import Birthdate, InputSchema, Text, say

# As it is typed: a phone may send each letter of a syllable for itself, and shops add their endings.
_TYPED_NAME_MAX = 3 * NAME_MAX
_TYPED_PHONE_MAX = 40
_PHONE = r"\A01[016789]\d{7,8}\Z"


class PersonInput(InputSchema):
    """The three fields by which a person is known."""

    user_name = Text(
        _TYPED_NAME_MAX,
        required=True,
        error_messages=say("이름을 입력해 주세요.", "이름을 글자로 입력해 주세요."),
        metadata={
            "example": "홍길동",
            "minLength": 1,
            "description": f"At most {NAME_MAX} characters once normalized.",
        },
    )
    phone_no = Text(
        _TYPED_PHONE_MAX,
        required=True,
        error_messages=say("휴대폰 번호를 입력해 주세요.", "휴대폰 번호를 글자로 보내 주세요."),
        metadata={"example": "01012345678", "description": "01x, 10 or 11 digits; separators may stand between."},
    )
    birthdate = Birthdate(
        required=True,
        error_messages={"required": "생년월일을 입력해 주세요.", "null": "생년월일을 입력해 주세요."},
        metadata={"type": "string", "pattern": r"^(\d{8}|\d{4}-\d{2}-\d{2})$", "example": "19900115"},
    )

    @validates("user_name")
    def check_name(self, value: str, **_: Any) -> None:
        # Control characters count here, before normalizing takes them out: a name that holds any was not typed.
        if not value.isprintable() or not is_name(normalize_name(value)):
            raise ValidationError(f"이름을 {NAME_MAX}자까지, 글자로 입력해 주세요.")

    @validates("phone_no")
    def check_phone(self, value: str, **_: Any) -> None:
        validate.Regexp(_PHONE, error="휴대폰 번호를 확인해 주세요. 예: 010-1234-5678")(normalize_phone(value))
