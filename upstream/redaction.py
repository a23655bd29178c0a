"""Makes a provider's text safe to keep: no HTML, no personal numbers, none of the given secrets, bounded."""

import html
import re
from collections.abc import Iterable

_MAX_CHARACTERS = 500
_TAG = re.compile(r"<[^<>]*>")
# Six digits or more, also with the separators of phone numbers and dates between them: 010-1234-5678, 1984.05.17.
_LONG_NUMBER = re.compile(r"\d(?:[-./ ]?\d){5,}")


def clean(text: object, hide: Iterable[str] = ()) -> str:
    """`hide` are the secrets and personal texts of this very request, which a provider may echo."""
    if not isinstance(text, str):
        return ""
    # Cut before the expressions run: the provider decides how long the text is. The margin leaves room for the tags.
    plain = _TAG.sub(" ", html.unescape(_TAG.sub(" ", text[: 8 * _MAX_CHARACTERS])))
    for secret in sorted(filter(None, hide), key=len, reverse=True):
        plain = plain.replace(secret, "***")
    return " ".join(_LONG_NUMBER.sub("***", plain).replace("\x00", "").split())[:_MAX_CHARACTERS]
