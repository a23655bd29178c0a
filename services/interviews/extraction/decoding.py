"""Turns bytes into text: UTF-8, UTF-16 with and without BOM, CP949, or what the text declares of itself."""

import codecs
import re
from collections.abc import Iterator

from charset_normalizer import from_bytes

from core.letters import compose
from services.interviews.extraction.failures import FileFault, FileUnusable

_SAMPLE_BYTES = 64 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Letters, signs and blanks of Korean and English texts; whatever else a guess brings up speaks against it.
_PLAUSIBLE = re.compile(r"[\t\n\r -~가-힣ㄱ-ㆎ\u3000-\u303f\u2010-\u2027\u00b7！-～一-鿿]")
_ENOUGH = 0.9
_TORN, _TORN_AT_MOST = "\ufffd", 3
_DECLARED = re.compile(rb"""(?:encoding|charset)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_DECLARED_WITHIN_BYTES = 2048
# Windows' superset of what Korean pages call themselves.
_AS_CP949 = frozenset({"euc-kr", "euckr", "ks_c_5601-1987", "ksc5601", "ms949", "x-windows-949", "uhc", "cp949"})
# As JSON has it; within a string of JSON again, with more backslashes.
_ESCAPED_HANGUL = re.compile(r"\\+u((?:a[c-f]|[bc][0-9a-f]|d[0-7]|11)[0-9a-f]{2}|31[3-8][0-9a-f])", re.IGNORECASE)
_CONTROL_BYTES = bytes({*range(32), 127} - set(b"\t\n\v\f\r"))
_BLANK_BYTES, _FIRST_OF_TWO = b"\t\n\r ", 0x80
_BYTES_PER_CONTROL = 100
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85]")
# Control characters and what does not print: left in, they would reach logs, pages and MISO.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff\ufff9-\ufffb\ud800-\udfff]")


def read_plain(content: bytes) -> Iterator[str]:
    yield decode_text(content)


def decode_text(content: bytes) -> str:
    """With Hangul in the place of its escapes: else a log of JSON would name people unmasked, and be read by nobody.
    Raises FileUnusable for what is no text."""
    return _ESCAPED_HANGUL.sub(lambda escape: chr(int(escape[1], 16)), _decode(content))


def _decode(content: bytes) -> str:
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content.decode(encoding, "replace")
    if _has_few_controls(content):
        text = content.decode("utf-8", "replace")
        if _is_nearly_whole(text):
            return _read_some_hangul(content, text) or text.replace(_TORN, "")
    return content.decode(_guess_encoding(content), "replace")


def _is_nearly_whole(text: str) -> bool:
    """A few torn letters, as of a text that was cut, make no other encoding of it."""
    torn = text.count(_TORN)
    if torn == 0:
        return True
    rest = text.replace(_TORN, "")
    return torn <= max(_TORN_AT_MOST, len(text) // 50) < len(rest) and _share_plausible(rest) >= _ENOUGH


def _read_some_hangul(content: bytes, as_utf8: str) -> str | None:
    """The text where what UTF-8 calls torn is whole in CP949, and Hangul: a few syllables within English or code."""
    torn = as_utf8.count(_TORN)
    if torn <= sum(letter > "\x7f" for letter in as_utf8) - torn:
        return None
    try:
        text = codecs.getincrementaldecoder("cp949")().decode(content)  # the file's end may be torn
    except UnicodeDecodeError:
        return None
    other = [letter for letter in text if letter > "\x7f"]
    return text if 2 * sum("가" <= letter <= "힣" for letter in other) > len(other) else None


def decode_declared(content: bytes) -> str:
    """As the document says of itself, where that is possible: HTML's `charset`, XML's `encoding`."""
    declared = _DECLARED.search(content[:_DECLARED_WITHIN_BYTES])
    name = declared[1].decode("ascii").lower() if declared else ""
    name = "cp949" if name in _AS_CP949 else name
    if name and not any(content.startswith(bom) for bom, _ in _BOMS):
        try:
            return content.decode(name)
        except (LookupError, UnicodeError):
            pass
    return decode_text(content)


def clean_text(text: str) -> str:
    """Line ends as `\\n`, no BOM, NUL or control characters, composed letters (NFC), no blanks at the ends of lines. Of
    the empty cells behind a row's only one a tab is left, or it would be no row."""
    text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    # Not the tabs before the first row's first cell: its columns are counted.
    return "\n".join(map(_without_end, compose(text).split("\n"))).strip("\n ")


def _without_end(line: str) -> str:
    seen = line.rstrip()
    return f"{seen}\t" if seen and "\t" not in seen and "\t" in line[len(seen) :] else seen


def _has_few_controls(content: bytes) -> bool:
    """A stray NUL is dropped with the other control characters; many are UTF-16, or no text at all."""
    if b"\x00" not in content:
        return True
    controls = len(content) - len(content.translate(None, _CONTROL_BYTES))
    return controls <= max(1, len(content) // _BYTES_PER_CONTROL)


def _guess_encoding(content: bytes) -> str:
    sample = content[: _SAMPLE_BYTES & ~1]
    scores = {encoding: _score(sample, encoding) for encoding in ("utf-16-le", "utf-16-be")}
    # Stray NULs say nothing against it: they are dropped.
    scores["cp949"] = _score(sample.replace(b"\x00", b"") if _has_few_controls(sample) else sample, "cp949")
    best = max(scores, key=lambda encoding: scores[encoding])
    if scores[best] == scores["cp949"] and _is_hangul_in_bytes(sample):
        best = "cp949"
    if scores[best] >= _ENOUGH:
        return best
    guessed = None if b"\x00" in sample else from_bytes(sample).best()
    if guessed is None:
        raise FileUnusable(FileFault.FILE_TYPE_MISMATCH)
    return guessed.encoding


def _is_hangul_in_bytes(sample: bytes) -> bool:
    """Whole in CP949, and but for blanks no byte of UTF-16's plain letters, or of half a syllable in it."""
    if b"\x00" in sample or any(byte < _FIRST_OF_TWO for byte in sample.translate(None, _BLANK_BYTES)):
        return False
    try:
        codecs.getincrementaldecoder("cp949")().decode(sample)  # what the sample's end has torn may follow
    except UnicodeDecodeError:
        return False
    return True


def _score(sample: bytes, encoding: str) -> float:
    """The share of plausible characters."""
    text = sample.decode(encoding, "replace")
    # A letter that the sample's end has torn is nobody's fault.
    text = text[:-1] if len(text) > 1 else text
    return _share_plausible(text)


def _share_plausible(text: str) -> float:
    return len(_PLAUSIBLE.findall(text)) / max(len(text), 1)
