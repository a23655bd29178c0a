"""How answers are written as JSON: UTF-8, in the order given."""

import re
from typing import Any

from flask.json.provider import DefaultJSONProvider

_SURROGATE = re.compile("[\ud800-\udfff]")


class Utf8JsonProvider(DefaultJSONProvider):
    """Not escaped: Korean takes half of the bytes then, and can be read. But for halves of a surrogate pair, which an
    answer may quote and no UTF-8 can hold."""

    sort_keys = False
    ensure_ascii = False

    def dumps(self, obj: Any, **options: Any) -> str:
        text = super().dumps(obj, **options)
        return super().dumps(obj, **options | {"ensure_ascii": True}) if _SURROGATE.search(text) else text
