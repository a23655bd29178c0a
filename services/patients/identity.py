"""Who a person says they are: the identity of a session, its canonical form, and what may be shown of it."""

import hashlib
import hmac
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

import orjson

from core.letters import compose
from models.patients import DEFAULT_PARTNER

NAME_MAX = 60
_NAME_SEPARATORS = frozenset(" ·-'.")
# "J. R. Kim", "Anna - Lee": what stands between two letters of a name.
_SEPARATORS_IN_A_ROW = 3
# Thai and Hebrew put three on one letter; a hundred are no name.
_MARKS_IN_A_ROW = 4
# Between the parts of a key: no name, number or date holds it, so no two identities share a canonical form.
_SEPARATOR = "\x1f"
# Consents of a session stood here before they had a table: files and runs from then still name them.
_FORMER_FIELDS = frozenset({"terms_agreed", "terms_agreed_at", "terms_expires_at"})
_VERSION_8 = 0x8 << 76
_VARIANT = 0x2 << 62


def normalize_name(name: str) -> str:
    """Composed letters, no control characters, single spaces, none of the endings that shops and messengers add."""
    printable = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in compose(name))
    return _without_endings(" ".join(printable.split()))


def _without_endings(name: str) -> str:
    """From the end, place by place: a pattern would look through the whole name again for each ending."""
    end = len(name)
    while (shorter := _end_before_ending(name, end)) != end:
        end = shorter
    return name[:end].strip()


def _end_before_ending(name: str, end: int) -> int:
    """Where `name[:end]` ends without one `-웰로`, `-님` or ` 님`; `end` where it has none."""
    ending = next((ending for ending in ("웰로", "님") if name.endswith(ending, 0, end)), None)
    if ending is None:
        return end
    at = end - len(ending)
    before = at - name.endswith(" ", 0, at)
    if name.endswith("-", 0, before):
        before -= 1
        return before - name.endswith(" ", 0, before)
    return before if ending == "님" and before < at else end


def is_name(name: str) -> bool:
    """Whether a normalized name is one: at most 60 characters, letters of any script with their marks, and between
    them spaces, `·`, `-`, `'` and `.`."""
    if not 1 <= len(name) <= NAME_MAX:
        return False
    separators, marks = _SEPARATORS_IN_A_ROW, 0  # as if one more were too many: a name begins with a letter
    for character in name:
        kind = unicodedata.category(character)[0]
        if kind == "L":
            separators = marks = 0
        elif kind == "M" and not separators:
            marks += 1
        elif character in _NAME_SEPARATORS:
            separators += 1
        else:
            return False
        if separators > _SEPARATORS_IN_A_ROW or marks > _MARKS_IN_A_ROW:
            return False
    return not separators


def normalize_phone(phone: str) -> str:
    """Digits as they are dialled in Korea: `+82 10-1234-5678` and `010 1234 5678` are one number."""
    digits = "".join(letter for letter in unicodedata.normalize("NFKC", phone) if letter in "0123456789")
    if digits.startswith("0082"):
        digits = digits[2:]
    # No number dialled inside Korea begins with 82, so a leading 82 is the country code, with or without a plus.
    if digits.startswith("82"):
        digits = "0" + digits[2:].lstrip("0")
    return digits


def mask_name(name: str) -> str:
    """First and last letter, stars between; of two letters only the first; of one none."""
    if len(name) < 3:
        return name[:-1] + "*" * min(len(name), 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What the person entered, normalized on construction. Its repr shows nothing personal.

    `patient_uuid` is what the browser says and decides nothing. `hospital_id` None or the default one means none in
    particular.
    """

    user_name: str = field(repr=False)
    phone_no: str = field(repr=False)
    birthdate: date = field(repr=False)
    gender: Literal["M", "F"] = field(repr=False)
    private_auth_type: str
    oid: str | None = field(default=None, repr=False)
    patient_uuid: UUID | None = None
    hospital_id: str | None = None
    partner_id: str = DEFAULT_PARTNER

    def __post_init__(self) -> None:
        object.__setattr__(self, "user_name", normalize_name(self.user_name))
        object.__setattr__(self, "phone_no", normalize_phone(self.phone_no))

    def to_json(self) -> bytes:
        """To be sealed before it is kept anywhere."""
        return orjson.dumps(asdict(self))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        values: dict[str, Any] = orjson.loads(self.to_json())
        return values

    @classmethod
    def from_json(cls, data: bytes) -> "Identity":
        return cls.from_dict(orjson.loads(data))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Identity":
        """Raises KeyError, TypeError or ValueError when it is not what `to_dict` gave."""
        typed = {name: value for name, value in dict(values).items() if name not in _FORMER_FIELDS}
        typed["birthdate"] = date.fromisoformat(values["birthdate"])
        typed["patient_uuid"] = UUID(values["patient_uuid"]) if values.get("patient_uuid") else None
        return cls(**typed)

    def derive_uuid(self, pseudonym_key: str, erased_before: int = 0) -> UUID:
        """Equal for every session of the same person, and of no use to anyone without the key. Who was erased so often
        gets another each time."""
        return derive_patient_uuid(self.user_name, self.phone_no, self.birthdate, pseudonym_key, erased_before)


def derive_patient_uuid(name: str, phone: str, birth_date: date, pseudonym_key: str, erased_before: int = 0) -> UUID:
    """Of what is normalized already."""
    parts = ["patient", phone, birth_date.strftime("%Y%m%d"), name]
    canonical = _SEPARATOR.join(parts + [str(erased_before)] * (erased_before > 0))
    digest = hmac.new(pseudonym_key.encode(), canonical.encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest[:16])
    number = number & ~(0xF << 76) | _VERSION_8
    return UUID(int=number & ~(0x3 << 62) | _VARIANT)


def age_on(birth_date: date, day: date) -> int:
    """In whole years; who was born on 29 February grows older on 1 March."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
