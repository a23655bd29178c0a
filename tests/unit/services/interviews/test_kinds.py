"""Which names are taken; a name is never a path."""

import pytest

from services.interviews.extraction.kinds import KINDS, REFUSED, FileKind, extension_of, kind_of


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("대화.TXT", "txt"),
        ("../../etc/passwd.txt", "txt"),
        ("C:\\면담\\a.DOCX", "docx"),
        ("a.tar.gz", "gz"),
        ("a.txt/", "txt"),
        ("a", ""),
        (".txt", ""),
        ("", ""),
        ("a.t x", ""),
        ("a." + "x" * 11, ""),
        ("a.txt\x00.exe", "exe"),
        ("a.한글", ""),
    ],
)
def test_the_extension_of_a_name(name, extension):
    assert extension_of(name) == extension


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.markdown", FileKind.TEXT),
        ("a.py", FileKind.TEXT),
        ("a.htm", FileKind.HTML),
        ("a.hwp", None),
        ("a.exe", None),
    ],
)
def test_the_kind_of_a_name(name, kind):
    assert kind_of(name) == kind


@pytest.mark.parametrize("extension", ["hwp", "hwpx", "xls", "doc", "docm", "xlsm"])
def test_what_is_refused_says_what_to_save_it_as(extension):
    assert extension not in KINDS
    assert "저장해서" in REFUSED[extension]
