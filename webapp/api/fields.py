"""Fields and checks that several schemas share, with Korean messages that say what to do."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from core.clock import clock
from core.letters import compose, is_longer

_BIRTHDATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
ID_MAX = 64
ID_DOC: dict[str, Any] = {"pattern": f"^{_ID.pattern}$"}
_OLDEST_BIRTH_YEAR = 1900
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
PATH_MAX = 200
# Of a number, a date, a UUID or a choice, as text.
WORD_MAX = 64
_ITEMS_MAX = 32
_KOREAN = re.compile("[가-힣]")
_FALLBACKS = {"required": "빠진 항목이에요. 함께 보내 주세요.", "null": "비어 있어요. 다시 확인해 주세요."}
_WRONG_KIND = "형식이 맞지 않아요. 다시 확인해 주세요."


class Text(fields.String):
    """The string of an input: every one says how long it may be. Judged by `InputSchema`, before it is looked at."""

    def __init__(self, max_length: int, *, metadata: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.max_length = max_length
        super().__init__(metadata={"maxLength": max_length, **(metadata or {})}, **kwargs)


class ComposedText(Text):
    """A text that is compared with stored ones, as they are: in whole letters, which its length counts."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return compose(super()._deserialize(value, attr, data, **more))


class StrictBoolean(fields.Boolean):
    """JSON's true or false in a body: "yes", 1 or "off" may be a client's mistake, and must agree to nothing."""

    default_error_messages = dict.fromkeys(("invalid", "null", "required"), "true 또는 false로 보내 주세요.")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return bool(super()._deserialize(value, attr, data, **more))


class StrictFloat(fields.Float):
    """A number of JSON in a body: a text is none, "1_0" least of all."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> float:
        if isinstance(value, str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **more)


class InputSchema(Schema):
    """Refuses fields that it does not know, and what is longer than its field may be.

    Nothing else looks at an input before its lengths are judged: a hook, a pattern or a conversion that takes long on a
    long text would hold up everybody. A list's bound is `maxItems` in its metadata.
    """

    error_messages = {  # noqa: RUF012 read by marshmallow
        "unknown": "알 수 없는 항목이에요. 빼고 보내 주세요.",
        "type": "JSON 객체로 보내 주세요.",
    }

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        super().on_bind_field(field_name, field_obj)
        _say_in_korean(field_obj)

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Raises ValidationError."""
        if isinstance(data, Mapping):
            self._refuse_long(data)
        return super().load(data, **kwargs)

    def _refuse_long(self, data: Mapping[str, Any]) -> None:
        faults: dict[str, list[str]] = {}
        for name, field in self.load_fields.items():
            key = field.data_key or name
            if key in data and (fault := _length_fault(field, data[key])):
                faults[key] = [fault]
        if faults:
            raise ValidationError(dict(faults))


def _say_in_korean(field: fields.Field[Any]) -> None:
    """A field without sentences of its own would tell its faults in the library's English."""
    for fault, sentence in field.error_messages.items():
        if isinstance(sentence, str) and not _KOREAN.search(sentence):
            field.error_messages[fault] = _FALLBACKS.get(fault, _WRONG_KIND)
    inner = [getattr(field, name, None) for name in ("inner", "key_field", "value_field", "field")]
    for part in filter(None, inner):
        _say_in_korean(part)


def _length_fault(field: fields.Field[Any] | None, value: object) -> str | None:
    if isinstance(value, str):
        longest = field.max_length if isinstance(field, Text) else WORD_MAX
        is_beyond = is_longer(value, longest) if isinstance(field, ComposedText) else len(value) > longest
        return f"{longest}자까지 쓸 수 있어요." if is_beyond else None
    if isinstance(value, list) and isinstance(field, fields.List):
        most = field.metadata.get("maxItems", _ITEMS_MAX)
        if len(value) > most:
            return f"{most}개까지 보낼 수 있어요."
        return _first(_length_fault(field.inner, item) for item in value)
    if isinstance(value, Mapping) and isinstance(field, fields.Dict):
        if len(value) > _ITEMS_MAX:
            return f"{_ITEMS_MAX}개까지 보낼 수 있어요."
        of_keys = (_length_fault(field.key_field, key) for key in value)
        return _first(of_keys) or _first(_length_fault(field.value_field, item) for item in value.values())
    return None


def json_bytes_max(schema: Schema) -> int:
    """The longest JSON of an input whose texts are ASCII, with a space after each colon and comma as encoders write it:
    what a view that takes it must read."""
    members = [len(field.data_key or name) + 4 + _value_bytes_max(field) for name, field in schema.load_fields.items()]
    return 2 + sum(members) + 2 * len(members)


def _value_bytes_max(field: fields.Field[Any]) -> int:
    if isinstance(field, fields.Nested):
        return json_bytes_max(field.schema)
    if isinstance(field, fields.List):
        most: int = field.metadata.get("maxItems", _ITEMS_MAX)
        return 2 + most * (2 + _value_bytes_max(field.inner))
    return 2 + (field.max_length if isinstance(field, Text) else WORD_MAX)


def _first(faults: Iterable[str | None]) -> str | None:
    return next((fault for fault in faults if fault), None)


def say(required: str, invalid: str) -> dict[str, str | list[Any] | dict[Any, Any]]:
    """The messages of one field: it is missing, or of a wrong kind."""
    return {"required": required, "null": required, "invalid": invalid}


class Birthdate(fields.Field[date]):
    """`yyyyMMdd` or `yyyy-MM-dd`: a real day, not to come."""

    default_error_messages = {"invalid": "생년월일 8자리를 확인해 주세요. 예: 19900115"}  # noqa: RUF012 read by marshmallow

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> date:  # noqa: ARG002
        if not isinstance(value, str) or not _BIRTHDATE.fullmatch(value):
            raise self.make_error("invalid")
        try:
            day = datetime.strptime(value.replace("-", ""), "%Y%m%d").replace(tzinfo=UTC).date()
        except ValueError as exc:
            raise self.make_error("invalid") from exc
        # In Korea the day begins nine hours before UTC's; the difference of a day does not matter to anybody's age.
        if day.year < _OLDEST_BIRTH_YEAR or day > clock.now().date():
            raise self.make_error("invalid")
        return day


class Moment(fields.AwareDateTime):
    """An aware time, as UTC. Only such that a database takes: an offset of 23 hours and the year 1 are none."""

    def __init__(self, message: str, **kwargs: Any) -> None:
        messages: dict[str, str | list[Any] | dict[Any, Any]] = {"invalid": message, "invalid_awareness": message}
        super().__init__(error_messages=messages, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> datetime:
        moment = super()._deserialize(value, attr, data, **more)
        try:
            in_utc = moment.astimezone(UTC)
        except OverflowError as exc:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from exc
        if not _FIRST_YEAR <= in_utc.year <= _LAST_YEAR:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return in_utc


class SixDigits(Text):
    """A patient's password."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            6,
            required=True,
            validate=validate.Regexp(r"\A[0-9]{6}\Z", error="숫자 6자리를 입력해 주세요."),
            error_messages=say("비밀번호를 입력해 주세요.", "숫자 6자리를 입력해 주세요."),
            metadata={"example": "592704"},
            **kwargs,
        )


def check_id(value: str) -> None:
    """Ids of other systems: short, and safe in a log or an address."""
    if not _ID.fullmatch(value):
        raise ValidationError("영문, 숫자, 점, 밑줄, 붙임표로 64자까지 쓸 수 있어요.")


def check_local_path(value: str) -> None:
    """A path of this site: nothing that a browser would take for another host."""
    is_local = value.startswith("/") and not value.startswith("//") and "\\" not in value
    if not is_local or not value.isprintable() or " " in value:
        raise ValidationError("이 사이트 안의 주소를 쓸 수 있어요. 예: /results-trend")
