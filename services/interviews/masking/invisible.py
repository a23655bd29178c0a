"""Text without the characters that nobody sees: between the letters of a name they hide it from every pattern."""

import re

from core.letters import compose

_UNSEEN = dict.fromkeys(
    (
        # controls, but for those that end lines and part cells
        *range(0x09), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0),
        # soft hyphen, and what joins or fills letters
        0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810),
        # zero-width spaces, marks and overrides of direction, signs of invisible operations
        0x200B, 0x200C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070),
        0xFEFF, *range(0xFFF9, 0xFFFD), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), 0xE0001,
    )
)  # fmt: skip
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_VARIANTS, _TAGS = "\ufe00-\ufe0f\U000e0100-\U000e01ef", "\U000e0020-\U000e007f"
# They make emoji coloured, and tell a flag's region; a digit in its key has one, too.
_VARIANT_OF_NONE = re.compile(
    rf"(?<![{_EMOJI}])[{_VARIANTS}](?!\u20e3)|(?<![{_EMOJI}{_TAGS}])[{_TAGS}]+",
)
# It holds emoji together.
_JOINER_OF_NONE = re.compile(rf"(?<![{_EMOJI}{_VARIANTS}{_TAGS}])\u200d(?![{_EMOJI}])")


def compose_visible(text: str) -> str:
    """In whole letters (NFC), as macOS writes Hangul in its single ones: composed at last, for the unseen part them."""
    seen = _VARIANT_OF_NONE.sub("", text.translate(_UNSEEN))
    return compose(_JOINER_OF_NONE.sub("", seen))
